"""The pages of operations: what is declared, the runs, their results."""
