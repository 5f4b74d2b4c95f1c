"""The text of a message from its template and the facts of its order."""
