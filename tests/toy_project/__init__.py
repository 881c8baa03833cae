"""A whole project around the toy app, without the CRM: what `records` and `workflows` need, and nothing else."""
