"""Texts with tokens in them."""
