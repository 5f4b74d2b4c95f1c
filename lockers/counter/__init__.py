"""The counter of a hub: a page for a scanner, to put parcels on shelves and to hand them out."""
