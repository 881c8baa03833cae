"""Sequences: who is in one, what they get when, and what ends it."""
