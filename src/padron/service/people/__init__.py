"""People: users and their roles, how they sign in, and their sessions."""
