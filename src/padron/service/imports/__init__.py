"""Importing a file of vehicles, from its upload to the last row."""
