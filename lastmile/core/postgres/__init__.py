"""The database backend that takes the schema from a ContextVar at every cursor."""
