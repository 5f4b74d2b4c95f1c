"""The shopper's pages of choosing: options, confirmation, another place, instructions, returns."""
