"""Search engines behind one Protocol (``base.Engine``)."""
