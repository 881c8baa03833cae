"""Effects outside the database, sent at least once."""
