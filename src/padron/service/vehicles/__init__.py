"""Registering, reading and exporting vehicles, repairing duplicates, and what a VIN tells."""
