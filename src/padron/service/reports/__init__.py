"""Reports on the record, and the forms they are given in."""
