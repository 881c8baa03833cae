"""What a record can wait for: one file per kind of event."""
