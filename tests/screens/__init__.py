"""Pictures of every screen, with nothing in it, a little, and very much: `python -m tests.screens`."""
