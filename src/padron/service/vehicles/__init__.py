"""Registers, reads and exports vehicles, repairs duplicates, and explains VINs."""
