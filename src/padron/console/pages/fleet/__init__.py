"""The fleet as a whole: the overview, planned changes, the gate and reports."""
