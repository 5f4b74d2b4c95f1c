"""Networks, travel times, route geometry and addresses of the installation."""
