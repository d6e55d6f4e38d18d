"""A vehicle's data: registering, editing, and what it was before."""
