"""Problems beside routing, solved by CP-SAT: when the goods of the routes are picked. PURE."""
