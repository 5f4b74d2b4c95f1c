"""WhatsApp: free text within 24 hours of a reply, templates at any time."""
