"""Selections: many vehicles are chosen, shown and changed together, and nobody changes another set than was shown."""
