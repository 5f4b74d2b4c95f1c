"""Imports: files of orders."""
