"""Messages to shoppers and webhooks will be here."""
