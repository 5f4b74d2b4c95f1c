"""REST v1 of people, keys, audit, operations, events and websocket tickets."""
