"""Two tin cans and a string."""
