"""Use cases, one function each: the only callers of the store, and where scopes are checked."""
