"""Sinch (SMS REST API): signed webhooks, sending by REST, what people wrote, codes."""
