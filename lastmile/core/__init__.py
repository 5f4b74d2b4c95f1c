"""What every storey stands on: tenancy, events, jobs, errors, ids, money, units, geo, clock."""
