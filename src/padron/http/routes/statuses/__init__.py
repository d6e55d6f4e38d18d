"""Setting one status or many, and undoing requests."""
