"""Workflows that begin at an instant, and steps timed by a centre."""
