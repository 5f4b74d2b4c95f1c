"""What every package stands on: tenancy, events, jobs, errors, ids, money, units, geo, clock."""
