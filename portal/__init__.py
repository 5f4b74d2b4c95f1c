"""Pages for visitors: the front page and the home page; shoppers' pages will be here."""
