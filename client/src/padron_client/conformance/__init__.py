"""Tries any implementation of a local gate, in any language, against a register that misbehaves on purpose."""
