"""The pages of the records package in the admin."""

from records.admin import custom_properties

__all__ = ["custom_properties"]
