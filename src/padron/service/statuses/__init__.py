"""The status call, alone and in bulk, and taking back what a request changed."""
