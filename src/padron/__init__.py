"""Padrón: a self-hosted register that says what each vehicle of a fleet is."""

__version__ = "0.1.0"
