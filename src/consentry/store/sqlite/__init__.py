"""The store on SQLite: one file, one writer thread, reads on the event loop."""
