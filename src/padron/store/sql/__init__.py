"""How SQL gets to the engines: read from files, put together, and applied as migrations."""
