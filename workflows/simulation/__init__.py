"""Trying a draft out with a real record, without a trace."""
