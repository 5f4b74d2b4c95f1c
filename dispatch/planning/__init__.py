"""Planning: builds a Problem from a day's rows and stores its Solution as a Plan with Routes."""
