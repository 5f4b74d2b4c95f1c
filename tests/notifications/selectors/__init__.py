"""Tests of reading messages."""
