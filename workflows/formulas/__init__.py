"""Formulas: a small language from values to one value, without loops and objects: every formula comes to an end."""
