"""Access tokens of identity providers, in the place of API keys."""
