"""The pages of the records package in the admin."""

from records.admin import api_tokens, custom_events, custom_properties, lists, property_rights

__all__ = ["api_tokens", "custom_events", "custom_properties", "lists", "property_rights"]
