"""The examination of a register: whether what it has fits together."""
