"""Twilio: inbound and status webhooks, sending by REST, error codes."""
