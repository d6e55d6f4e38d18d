"""Operations: declaring them, runs, claims, and the gate."""
