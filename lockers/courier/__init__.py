"""The courier at a bank: a part of the driver's app, with what it needs without a network."""
