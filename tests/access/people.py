"""The kinds of people the matrix asks for, from somebody unknown to a super admin."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser, Group, Permission

from crm.models import User
from records.clock import database_now
from records.models import Access
from records.object_types import object_types
from records.property_access.granting import grant

#: In the order of the matrix's columns.
PEOPLE = ("anonymous", "nobody", "viewer", "editor", "publisher", "admin", "restricted")
OURS = ("crm", "workflows", "records")
#: Whose pages are for who runs the installation.
SETTINGS = ("user", "team", "teammembership", "propertyaccess", "propertyaccesschange", "apitoken", "idempotentreply")
VERBS = ("add", "change", "delete")


def permissions(name: str) -> Iterable[Permission]:
    """What a viewer, an editor, or a publisher may; each may what the one before may."""
    every = Permission.objects.filter(content_type__app_label__in=OURS)
    found = every.filter(codename__startswith="view_").exclude(content_type__model__in=SETTINGS)
    if name in ("editor", "publisher", "restricted"):
        edits = every.filter(content_type__app_label__in=("crm", "records")).exclude(content_type__model__in=SETTINGS)
        for verb in VERBS:
            found |= edits.filter(codename__startswith=f"{verb}_")
        found |= every.filter(codename__in=("add_workflow", "change_workflow", "add_webhook", "change_webhook"))
    if name in ("publisher", "restricted"):
        found |= every.filter(content_type__app_label="workflows")
    return found


def everybody() -> dict[str, User | AnonymousUser]:
    """One of each kind. The restricted one may what the publisher may, and has no access to the amount of deals."""
    found: dict[str, User | AnonymousUser] = {"anonymous": AnonymousUser()}
    for name in PEOPLE[1:]:
        if name == "admin":
            found[name] = User.objects.create_superuser(name)
            continue
        user = found[name] = User.objects.create_user(name, is_staff=True)
        user.user_permissions.set([] if name == "nobody" else permissions(name))
        if name == "restricted":
            group = Group.objects.create(name="Without amounts")
            user.groups.add(group)
            grant(group, object_types["deal"], {"amount": Access.NONE}, by=None, now=database_now())
    return {name: found[name] for name in PEOPLE}
