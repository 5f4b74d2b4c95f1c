"""The staff pages of slots: the slot board, templates, blackouts and holidays."""
