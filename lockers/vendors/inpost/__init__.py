"""InPost: the points API and ShipX, as their public documentation describes them."""
