"""Core: tenancy, events, jobs, errors, ids, money, units, geo, clock."""
