"""The store on PostgreSQL: one writer for each process, reads gathered on the event loop."""
