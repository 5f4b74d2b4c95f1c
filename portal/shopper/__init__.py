"""Everything that all pages of shoppers share: guard, language, look and confirmation by a code."""
