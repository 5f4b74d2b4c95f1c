"""The shopper's delivery page: the answer, the timeline, ratings and arrivals at a curbside."""
