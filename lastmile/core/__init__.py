"""The code that every other package uses: tenancy, events, jobs, errors, ids, money, clock."""
