"""The HTTP API of workflows: drafts, publishing, enrolling, history, and the catalog of what there is."""
