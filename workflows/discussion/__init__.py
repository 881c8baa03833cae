"""Discussion: what people say to each other about a workflow, and who is looking at it now."""
