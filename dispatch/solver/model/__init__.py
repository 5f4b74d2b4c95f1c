"""What states a problem and an answer, and what an answer costs. PURE."""
