"""What an operator sees of the requests: counts by route and status, lines in the log, and refused keys."""
