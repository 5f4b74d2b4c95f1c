"""A plan under work: where a visit fits, and what holds. PURE."""
