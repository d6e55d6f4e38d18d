"""How long the register keeps what it has: the archive of the record, and the ages of everything else."""
