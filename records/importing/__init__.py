"""Importing records from files as people have them."""
