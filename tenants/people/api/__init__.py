"""REST v1 of members, API keys, audit log, operations, events and websocket tickets."""
