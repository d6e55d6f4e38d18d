"""Signing in with an identity provider, by OpenID Connect."""
