"""What people may do with workflows because of their rights on single properties (PRM-05 to PRM-09)."""
