"""The status call, alone and in bulk, and the undo of what a request changed."""
