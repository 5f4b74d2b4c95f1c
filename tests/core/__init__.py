"""Tests of lastmile.core: tenancy, events, jobs, errors, ids, money, units, geo, clock."""
