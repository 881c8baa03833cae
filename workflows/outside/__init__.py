"""The one door out: where every request to another system leaves, and what it may reach."""
