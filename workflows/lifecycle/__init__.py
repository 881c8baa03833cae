"""Drafts become revisions; workflows are turned on, paused, turned off."""
