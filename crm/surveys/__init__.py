"""Surveys: sent by workflows, answered on public pages, kept as feedback submissions (COM-11, FLT-16, FLT-41)."""
