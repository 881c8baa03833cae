"""Asking language models: who they are, what they are asked, and what their answers mean."""
