"""Inbound webhooks: requests from other systems become events of records."""
