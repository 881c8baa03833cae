"""What workflows depend on: which properties they read and change, which lists, workflows, emails … they name."""
