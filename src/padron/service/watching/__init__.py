"""What an operator sees of the register: counts of this process, and regular looks at what waits in the database."""
