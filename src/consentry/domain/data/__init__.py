"""The rows that the readers read: every group names its source and when it was checked."""
