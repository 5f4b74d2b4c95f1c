"""The device plane: what cabinets call. Each call is signed with the key of its device."""
