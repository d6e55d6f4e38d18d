"""What each server process does in the background: webhooks, imports, planned changes, clearing."""
