"""Holds the ledger against its log: whether a row was changed, removed, inserted or moved."""
