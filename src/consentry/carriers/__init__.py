"""Who carries messages: one folder per carrier, alike inside."""
