"""JavaScript that people wrote as a step of a workflow, run in a process of its own."""
