"""The routes by which an account administers itself."""
