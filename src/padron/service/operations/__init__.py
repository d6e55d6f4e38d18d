"""Operations on the fleet: declarations, runs, claims, the gate, and the gate's refusals."""
