"""A carrier and its handsets, simulated: an independent witness."""
