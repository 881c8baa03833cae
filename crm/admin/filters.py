"""Filters of the record lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import User
from records import people
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
    """Whose records: a number of a user, a username where they are searched for, "me" or "none"."""

    title = _("owner")
    parameter_name = "owner"
    #: What the template of filters asks for a search with: the field, and what else the address keeps.
    finder: SafeString | str = ""
    kept: Sequence[tuple[str, Any]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        found = [("me", gettext("Me")), ("none", gettext("Nobody"))]
        listed = people.few()
        if listed is None:
            self.finder = people.PersonInput({"aria-label": gettext("Owner"), "required": True}).render(
                self.parameter_name, "", {"id": "owner-search"}
            )
            return [*found, *self.asked(request)]
        by_name = sorted(listed, key=lambda user: (user.first_name, user.last_name, user.username))
        return [*found, *((str(user.pk), str(user)) for user in by_name)]

    def asked(self, request: HttpRequest) -> list[tuple[str, str]]:
        """The user the address names."""
        value = request.GET.get(self.parameter_name, "")
        user = owner_named(value)
        return [(value, str(user))] if user else [(value, value)] if value not in ("", "me", "none") else []

    def choices(self, changelist: Any) -> Iterator[Any]:
        self.kept = [pair for pair in changelist.params.items() if pair[0] != self.parameter_name]
        return super().choices(changelist)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if not value:
            return queryset
        if value == "me":
            return queryset.filter(owner=request.user.pk)
        if value == "none":
            return queryset.filter(owner=None)
        user = owner_named(value)
        return queryset.filter(owner=user.pk) if user else queryset.none()


def owner_named(value: str) -> Any:
    """The user a value of the filter means, by number or username; None for nobody."""
    if value in ("", "me", "none"):
        return None
    number = id_of(value)
    found = User.objects.filter(pk=number).first() if number is not None else None
    return found or User.objects.filter(username=value).first()


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
