"""Where records are shown, and who may see and change them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import NoReverseMatch, reverse

from records.object_types import ObjectType


def url_of(object_type: ObjectType, record_id: int) -> str:
    """The record page; "" where the admin has none."""
    meta = object_type.model._meta
    return url(f"admin:{meta.app_label}_{meta.model_name}_change", record_id)


def url(name: str, *args: Any) -> str:
    """A URL by name; "" when there is no such page in this installation."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def may(user: Any, verb: str, object_type: ObjectType) -> bool:
    """Whether a user may view, add, change or delete records of a type."""
    meta = object_type.model._meta
    return bool(user.has_perm(f"{meta.app_label}.{verb}_{meta.model_name}"))


def names_of(object_type: ObjectType, ids: Iterable[int]) -> dict[int, str]:
    """Names of records by id, deleted ones too."""
    records = object_type.model._default_manager.filter(pk__in=set(ids))
    return {record.pk: object_type.name_of(record) for record in records}


def users_by_id(ids: Iterable[int | None]) -> dict[int, str]:
    """Names of users by id."""
    users = get_user_model()._default_manager.filter(pk__in={pk for pk in ids if pk is not None})
    return {user.pk: str(user) for user in users}
