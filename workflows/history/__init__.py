"""What happened to enrollments, and why, as people read it."""
