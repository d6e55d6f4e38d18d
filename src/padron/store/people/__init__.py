"""The people of the register, with their sessions: the records of the server that belong to no account."""
