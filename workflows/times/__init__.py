"""Clocks on walls: zones, windows, instants as people read them."""
