"""Saved views of the list of vehicles."""
