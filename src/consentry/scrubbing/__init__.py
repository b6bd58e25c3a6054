"""Answers whole lists: a file of numbers in, the same rows with the gate's answers out."""
