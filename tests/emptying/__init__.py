"""An app for the tests alone: its `flush` stands in for Django's after tests that commit."""
