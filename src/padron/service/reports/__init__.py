"""Reports on the record, and their forms."""
