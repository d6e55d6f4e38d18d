"""The pages of an account: its people, API keys and webhooks, and what was administered."""
