"""Consentry: no text leaves that the recipient's last word forbids."""

__version__ = "0.1.0"
