"""Marketing emails: written in the admin, filled in for contacts, and sent by workflows."""
