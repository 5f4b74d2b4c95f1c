"""Tests of what all pages of shoppers share."""
