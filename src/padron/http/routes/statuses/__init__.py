"""Setting statuses, one or many, and taking back what a request changed."""
