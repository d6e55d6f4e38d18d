"""Deleting vehicles that were registered by mistake, and erasing personal values."""
