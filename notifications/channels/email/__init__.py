"""E-mail through Django's backend: a mail server of the retailer or of the installation."""
