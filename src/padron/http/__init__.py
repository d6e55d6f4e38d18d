"""The public API. Calls services, never the store; all that is HTTP stays in here."""
