"""How damage of a SQLite file is noticed: checksums of pages, a watch over the files, and checks in the background."""
