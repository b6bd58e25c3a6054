"""The loop that takes jobs from the outbox to the carrier."""
