"""Filters of the record lists."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.models import User
from records.ids import id_of
from records.object_types import object_type_of


class DeletedFilter(admin.SimpleListFilter):
    """Living records, unless somebody asks for the deleted ones."""

    title = _("deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Deleted, can be restored"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


class OwnerFilter(admin.SimpleListFilter):
    """Whose records."""

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        people = User.objects.filter(is_active=True).order_by("first_name", "last_name", "username")
        return [("me", _("Me")), ("none", _("Nobody")), *((str(user.pk), str(user)) for user in people)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if value == "me":
            return queryset.filter(owner=request.user.pk)
        if value == "none":
            return queryset.filter(owner=None)
        owner = id_of(value)
        return queryset if owner is None else queryset.filter(owner=owner)


def property_filter(slug: str, *, column: bool = True) -> type[admin.SimpleListFilter]:
    """A filter by the options of a select property: a column, or a custom one."""

    class PropertyFilter(admin.SimpleListFilter):
        title = slug.replace("_", " ")
        parameter_name = slug

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            prop = object_type_of(model_admin.model).properties().get(slug)
            self.title = str(prop.label) if prop else self.title
            return [(option.value, option.label) for option in prop.options] if prop else []

        def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
            lookup = slug if column else f"custom__{slug}"
            return queryset.filter(**{lookup: self.value()}) if self.value() else queryset

    PropertyFilter.__name__ = f"{slug.title().replace('_', '')}Filter"
    return PropertyFilter
