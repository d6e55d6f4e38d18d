"""Operations on the fleet: declaring them, runs, claims, the gate, and what the gate refused."""
