"""The typed client of Padrón, a self-hosted register of vehicles."""

__version__ = "0.1.0"
