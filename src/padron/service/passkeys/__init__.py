"""Passkeys: people add them, remove them, and sign in with them."""
