"""Telnyx as it is simulated: its REST interface, its webhooks, its words."""
