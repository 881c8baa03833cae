"""What a workflow is: its document, read and checked."""
