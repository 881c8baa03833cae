"""Tasks: when they are due, and who is reminded of them."""
