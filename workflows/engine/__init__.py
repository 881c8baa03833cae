"""Enrollments walking through their steps."""
