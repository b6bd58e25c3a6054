"""What consent means: pure values and functions, no I/O, no clock."""
