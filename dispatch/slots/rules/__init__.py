"""Pure rules of slots: dates and times, cut-offs, prices, ranking."""
