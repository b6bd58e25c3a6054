"""AWS End User Messaging SMS: it sends by its own API, and what happens comes through SNS."""
