"""The rules of the register. Pure: standard library only, no clock, no I/O."""
