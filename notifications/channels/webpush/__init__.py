"""Web push: to a browser that agreed, through the push service of its maker."""
