"""A plan that is being changed: insertion, repair, and reasons for unserved visits. PURE."""
