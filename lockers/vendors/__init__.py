"""Networks of lockers that we reach through their cloud: one package each, and one protocol."""
