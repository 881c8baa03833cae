"""Data sources: records beside the enrolled one whose values a workflow's steps may use (DAT-01 to DAT-24)."""
