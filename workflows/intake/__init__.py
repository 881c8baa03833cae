"""What happened outside becomes enrollments: changes, events, lists."""
