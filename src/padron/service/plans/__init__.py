"""Planned changes of status: making, listing, cancelling and executing them."""
