"""The console's pages of lockers: banks, their compartments, and imports of points."""
