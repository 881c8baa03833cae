"""Rights on single properties: what a person may do with them, and giving them to groups."""

from records.property_access.rights import PropertyRights, rights_of

__all__ = ["PropertyRights", "rights_of"]
