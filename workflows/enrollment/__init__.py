"""Records entering workflows and leaving them before their end."""
