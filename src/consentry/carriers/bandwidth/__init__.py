"""Bandwidth: webhooks with Basic authorization, sending by REST, error codes."""
