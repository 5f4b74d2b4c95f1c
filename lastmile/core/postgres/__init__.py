"""The database backend that sets the schema from a ContextVar at every cursor."""
