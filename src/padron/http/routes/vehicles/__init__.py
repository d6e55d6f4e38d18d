"""Vehicles: registering, reading, exporting, repairing duplicates, and what a VIN tells."""
