"""SMPP 3.4: a connection of our own to a message centre (SMSC)."""
