"""Figures that must not get worse; each in one run, against what the same machine does without us."""
