"""Tests of the ledger of messages and of its sender."""
