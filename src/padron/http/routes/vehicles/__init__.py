"""Vehicles: registering, reading and exporting them, repairing duplicates, and describing VINs."""
