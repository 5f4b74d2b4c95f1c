"""Pages of incidents: the queue, the most urgent first, and settling."""
