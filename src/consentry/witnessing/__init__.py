"""Keeps the ledger's checkpoints where others can hold the ledger against them."""
