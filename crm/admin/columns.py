"""The columns of a list: chosen per person from all properties and associations of the object type."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.activity_lines import TOLD
from crm.models import SavedColumns
from crm.record_links import names_of, url_of, users_by_id
from records.associations import associations_of, ids_of
from records.object_types import ObjectType
from records.properties import Property
from records.property_access import rights_of

DEFAULTS = {
    "contact": ["email", "association:company", "lifecycle_stage", "owner"],
    "company": ["industry", "city", "country", "employees", "owner", "created_at"],
    "deal": ["stage", "amount", "close_date", "association:company", "owner"],
    "ticket": ["status", "priority", "category", "owner", "created_at"],
    "conversation": ["channel", "status", "association:contact", "last_message_at", "owner"],
    "task": ["kind", "priority", "due_at", "status", "owner"],
    "note": ["owner", "created_at"],
    "meeting": ["starts_at", "outcome", "kind", "association:contact", "owner"],
    "call": ["happened_at", "direction", "outcome", "duration", "association:contact", "owner"],
    "email": ["direction", "status", "sent_at", "opened_at", "association:contact", "owner"],
    "line_item": ["sku", "quantity", "unit_price", "discount", "amount", "association:deal"],
    "quote": ["status", "amount", "expires_on", "association:deal", "owner"],
    "recurring_subscription": ["status", "amount", "billing_frequency", "next_payment_on", "association:contact"],
    "payment": ["status", "amount", "method", "paid_at", "association:contact"],
    "invoice": ["status", "amount", "balance", "due_on", "association:company"],
    "feedback_submission": ["kind", "sentiment", "score", "submitted_at", "association:contact"],
    "lead": ["stage", "rating", "kind", "association:contact", "owner"],
    "project": ["status", "priority", "due_on", "association:company", "owner"],
}
TONES = {
    "won": "chip-ok", "done": "chip-ok", "customer": "chip-ok", "closed": "chip-muted", "lost": "chip-danger",
    "urgent": "chip-danger", "high": "chip-warn", "engaging": "chip-info", "opportunity": "chip-info",
    "in_progress": "chip-info", "new": "chip-info", "completed": "chip-ok", "succeeded": "chip-ok",
    "paid": "chip-ok", "accepted": "chip-ok", "active": "chip-ok", "positive": "chip-ok", "qualified": "chip-ok",
    "failed": "chip-danger", "past_due": "chip-danger", "disputed": "chip-danger", "negative": "chip-danger",
    "blocked": "chip-danger", "bounced": "chip-danger", "no_show": "chip-warn", "rescheduled": "chip-warn",
    "pending_approval": "chip-warn", "hot": "chip-danger", "warm": "chip-warn", "scheduled": "chip-info",
}  # fmt: skip
PREFIX = "association:"


class Page:
    """What the columns of one page of results look up once: names of users, associated records."""

    def __init__(self, object_type: ObjectType) -> None:
        self.object_type = object_type
        self.records: Sequence[Any] = ()
        self.users: dict[int, str] = {}
        self.linked: dict[str, dict[int, list[tuple[int, str]]]] = {}

    def prime(self, records: Sequence[Any], columns: Sequence[Column]) -> None:
        """Read what the page's columns need, in a few queries however many rows there are."""
        self.records = records
        people = [c.prop for c in columns if c.prop is not None and c.prop.type == "user"]
        self.users = users_by_id(prop.read(record) for prop in people for record in records) if people else {}
        for column in columns:
            if column.association:
                to = associations_of(self.object_type)[column.association].to
                ids = ids_of(self.object_type, [record.pk for record in records], to)
                names = names_of(to, (pk for found in ids.values() for pk in found))
                self.linked[column.association] = {
                    pk: [(other, names[other]) for other in found if other in names] for pk, found in ids.items()
                }


class Column:
    """One column of a list, as the change list calls it."""

    def __init__(self, slug: str, page: Page, prop: Property | None = None, label: str = "") -> None:
        self.slug = self.__name__ = slug.replace(":", "_")
        self.page = page
        self.prop = prop
        self.association = slug.removeprefix(PREFIX) if slug.startswith(PREFIX) else ""
        self.short_description = capfirst(str(prop.label if prop else label))
        if prop is not None and not prop.kind.multiple:
            self.admin_order_field = prop.expression() if prop.column is None else prop.column

    def __call__(self, record: Any) -> str:
        if self.association:
            to = associations_of(self.page.object_type)[self.association].to
            linked = self.page.linked.get(self.association, {}).get(record.pk, [])
            return (
                format_html_join(", ", '<a href="{}">{}</a>', ((url_of(to, pk), name) for pk, name in linked)) or "–"
            )
        return self.shown(self.prop.read(record)) if self.prop else "–"

    def shown(self, value: Any) -> str:
        prop = self.prop
        if value is None or prop is None:
            return "–"
        if prop.type == "user":
            return self.page.users.get(value, _("a deleted user"))
        if prop.type == "select":
            return format_html('<span class="chip {}">{}</span>', TONES.get(value, "chip-muted"), prop.display(value))
        if prop.kind.family == "number":
            return format_html('<span class="number">{}</span>', prop.display(value))
        text = prop.display(value)
        return text if len(text) <= 80 else f"{text[:79]}…"


def choices(object_type: ObjectType, user: Any) -> list[tuple[str, str]]:
    """Every column a person can choose: of the properties those they may see."""
    seen = rights_of(user).seen(object_type, object_type.properties())
    properties = [(slug, capfirst(str(prop.label))) for slug, prop in seen.items()]
    links = [
        (PREFIX + slug, capfirst(str(association.to.label_plural)))
        for slug, association in associations_of(object_type).items()
        if slug not in TOLD
    ]
    return properties + links


def chosen(request: HttpRequest, object_type: ObjectType) -> list[str]:
    """The slugs of the columns the person sees, without those that no longer exist."""
    saved = SavedColumns.objects.filter(user_id=request.user.pk or 0, object_type=object_type.slug).first()
    known = dict(choices(object_type, request.user))
    return [slug for slug in (saved.columns if saved else DEFAULTS.get(object_type.slug, [])) if slug in known]


def columns_of(request: HttpRequest, object_type: ObjectType) -> tuple[Page, list[Column]]:
    """The columns of this request's list; found once per request."""
    cache = request.__dict__.setdefault("_record_columns", {})
    if object_type.slug not in cache:
        page, properties = Page(object_type), object_type.properties()
        labels = dict(choices(object_type, request.user))
        columns = []
        for slug in chosen(request, object_type):
            prop = properties.get(slug)
            if prop is not None and prop.options_source:
                prop = dataclasses.replace(prop, options_source=prop.options)
            columns.append(Column(slug, page, prop, labels[slug]))
        cache[object_type.slug] = (page, columns)
    return cache[object_type.slug]


class ColumnsForm(forms.Form):
    """Which columns, and in which order."""

    columns = forms.MultipleChoiceField(
        label=gettext_lazy("Columns"), widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, object_type: ObjectType, user: Any, current: Sequence[str], **kwargs: Any) -> None:
        kwargs["initial"] = {"columns": list(current)}
        super().__init__(*args, **kwargs)
        known = dict(choices(object_type, user))
        first = [(slug, known[slug]) for slug in current]
        rest = [pair for pair in known.items() if pair[0] not in current]
        offered = self.fields["columns"]
        assert isinstance(offered, forms.MultipleChoiceField)
        offered.choices = first + rest
        for slug, label in known.items():
            place = current.index(slug) + 1 if slug in current else None
            self.fields[f"place_{slug}"] = forms.IntegerField(
                label=_("Position of %(column)s") % {"column": label}, min_value=1, required=False, initial=place
            )

    def rows(self) -> list[tuple[Any, Any]]:
        """Each checkbox with its position."""
        return [(box, self[f"place_{box.data['value']}"]) for box in self["columns"]]

    def slugs(self) -> list[str]:
        """The chosen columns by position; those without one come last, as they stand."""
        picked = self.cleaned_data["columns"]
        places = {slug: self.cleaned_data.get(f"place_{slug}") or 1_000 for slug in picked}
        return sorted(picked, key=lambda slug: places[slug])


def save(request: HttpRequest, object_type: ObjectType, slugs: list[str]) -> None:
    """Keep the person's choice; no columns at all means the usual ones."""
    facts: dict[str, Any] = {"user_id": request.user.pk, "object_type": object_type.slug}
    if slugs:
        SavedColumns.objects.update_or_create(**facts, defaults={"columns": slugs})
    else:
        SavedColumns.objects.filter(**facts).delete()
