"""Pages by an instant that follow the record of changes (docs/decisions/0089-time-orders.md)."""
