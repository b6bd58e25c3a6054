"""Telnyx: webhooks, sending by REST, error codes, the list of opt-outs."""
