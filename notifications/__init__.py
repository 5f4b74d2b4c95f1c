"""Messages to shoppers and members: what is said to whom, when, and the result."""
