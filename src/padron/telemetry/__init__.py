"""What an operator sees of the running server: its metrics, for Prometheus."""
