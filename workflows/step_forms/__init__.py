"""The forms that steps' settings are made of."""
