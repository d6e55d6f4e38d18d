"""Reads what a request carries: its body, its query and its conditions."""
