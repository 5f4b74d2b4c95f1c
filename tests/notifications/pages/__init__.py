"""Tests of the pages about messages."""
