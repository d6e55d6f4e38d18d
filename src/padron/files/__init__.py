"""Spreadsheets: their forms, their columns, and what their cells say. Pictures of barcodes. Knows no register."""
