"""Text messages to contacts: who may get one, and the requests by which providers send them."""
