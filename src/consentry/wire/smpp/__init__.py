"""SMPP 3.4 as values: frames, requests, texts and receipts. Pure; who connects is `carriers/smpp`.

Source: "Short Message Peer to Peer Protocol Specification v3.4", issue 1.2, SMPP Developers Forum.
Sections are named where something is read from one.
"""
