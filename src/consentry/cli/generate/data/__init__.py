"""What made-up people are called and what they write."""
