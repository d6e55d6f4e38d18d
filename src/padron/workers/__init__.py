"""The loops in the background of each server process: webhooks, imports, planned changes, clearing."""
