"""Whether the engine does its work, and telling when it does not."""
