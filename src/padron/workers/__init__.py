"""The background work of each server process: webhooks, imports, planned changes, clearing."""
