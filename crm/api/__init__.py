"""Routes of the API that only the CRM's records have."""
