"""Telling programs, at URLs of their own, what they want to be told."""
