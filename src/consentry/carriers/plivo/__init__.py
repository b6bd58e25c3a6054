"""Plivo: webhooks, sending by REST, error codes."""
