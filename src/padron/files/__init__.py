"""Reads and writes files of vehicles: their forms and the names of their columns. Knows no store and no HTTP."""
