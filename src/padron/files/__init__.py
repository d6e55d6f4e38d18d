"""Spreadsheets: their forms, their columns, and what their cells say. Knows no register and no HTTP."""
