"""The search engines, all behind one Protocol (``base.Engine``)."""
