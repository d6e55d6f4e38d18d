"""Copies of the file: whole ones, and a base with the log since then. Restores both."""
