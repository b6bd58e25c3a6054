"""What whoever runs the server sees of it: log, metrics, traces. None of them names a person."""
