"""A database of made-up people for measurements and demonstrations: `consentry generate`."""
