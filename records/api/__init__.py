"""The HTTP API: tokens, strict input, problem replies, and one set of views for every object type."""
