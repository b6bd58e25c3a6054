"""Vonage (SMS API): webhooks signed in two ways, sending by REST, two lists of codes."""
