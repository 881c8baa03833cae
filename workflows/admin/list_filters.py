"""By what the list of workflows is narrowed (ORG-03, ORG-06)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.clock import database_now
from records.ids import id_of
from records.object_types import object_types
from workflows.dependencies import keeping
from workflows.dependencies.kinds import ACTION, kinds
from workflows.dependencies.mapping import things_of
from workflows.enrollment import reviving
from workflows.history.issues import open_issues
from workflows.models import Delivery, Enrollment, Folder, Workflow
from workflows.outbox import resending
from workflows.registries import actions

#: A workflow that has let nobody in for so long, and was not changed either, is unused.
UNUSED_DAYS = 90
NEVER, NONE = "never", "none"
Rows = QuerySet[Workflow]


def needing_review(workflows: Rows) -> Rows:
    """Those in which records stand still until somebody decides, steps fail, or something could not be sent."""
    given_up = resending.stopped(Delivery.objects.exclude(enrollment_id=None)).values("enrollment_id")
    inside = Enrollment.objects.filter(workflow=OuterRef("pk"))
    return workflows.filter(
        Exists(reviving.stopped().filter(workflow=OuterRef("pk")))
        | Exists(open_issues(database_now()).filter(workflow=OuterRef("pk")))
        | Exists(inside.filter(pk__in=given_up))
    )


def unused(workflows: Rows, now: dt.datetime) -> Rows:
    """Those that nobody has entered or changed for 90 days; of each the newest enrollment is looked at."""
    before = now - dt.timedelta(days=UNUSED_DAYS)
    newest = Enrollment.objects.filter(workflow=OuterRef("pk")).order_by("-id").values("enrolled_at")[:1]
    last = Subquery(newest, output_field=DateTimeField())
    return workflows.filter(updated_at__lt=before).alias(last=last).filter(Q(last=None) | Q(last__lt=before))


class StatusFilter(admin.SimpleListFilter):
    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((value, str(label)) for value, label in Workflow.Status.choices), (NEVER, _("Never published"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() == NEVER:
            return queryset.filter(live=None)
        return queryset.filter(status=self.value(), live__isnull=False) if self.value() else queryset


class ObjectTypeFilter(admin.SimpleListFilter):
    title = gettext_lazy("object")
    parameter_name = "object_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        used = set(Workflow.objects.order_by().values_list("object_type", flat=True).distinct())
        return [(slug, capfirst(str(kind.label))) for slug, kind in object_types.items() if slug in used]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return queryset.filter(object_type=self.value()) if self.value() else queryset


class FolderFilter(admin.SimpleListFilter):
    title = gettext_lazy("folder")
    parameter_name = "folder"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(NONE, _("No folder")), *((str(pk), name) for pk, name in Folder.objects.values_list("pk", "name"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() == NONE:
            return queryset.filter(folder=None)
        return queryset.filter(folder=id_of(self.value()) or 0) if self.value() else queryset


class AuthorFilter(admin.SimpleListFilter):
    title = gettext_lazy("made by")
    parameter_name = "author"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        authors = Workflow.objects.exclude(created_by=None).order_by().values("created_by")
        people = get_user_model()._default_manager.filter(pk__in=authors).order_by("username")
        return [("me", _("Me")), *((str(user.pk), str(user)) for user in people if user.pk != request.user.pk)]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() == "me":
            return queryset.filter(created_by=request.user.pk)
        return queryset.filter(created_by=id_of(self.value()) or 0) if self.value() else queryset


class AttentionFilter(admin.SimpleListFilter):
    """What may be cleaned up, or has to be looked at (ORG-06)."""

    title = gettext_lazy("attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("review", _("Needs review")), ("unused", _("Unused for %(days)d days") % {"days": UNUSED_DAYS}),
            ("metrics", _("Metrics are tracked")),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        if self.value() == "review":
            return needing_review(queryset)
        if self.value() == "unused":
            return unused(queryset, database_now())
        return queryset.filter(live__definition__settings__metrics=True) if self.value() == "metrics" else queryset


class ActionFilter(admin.SimpleListFilter):
    title = gettext_lazy("step")
    parameter_name = "step"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((slug, str(action.label)) for slug, action in actions.items()), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return using(queryset, ACTION, self.value()) if self.value() in actions else queryset


class UsesFilter(admin.SimpleListFilter):
    """Workflows that use one thing, as the map names it: `?uses=property:deal.amount`."""

    title = gettext_lazy("uses")
    parameter_name = "uses"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Only what was asked for: the map has everything there is to choose."""
        asked = request.GET.get("uses", "")[:300]
        kind, _colon, key = asked.partition(":")
        found = things_of({(kind, key)}, request.user) if kind in kinds and key else {}
        named = next((thing.name for thing in found.values()), _("What you have no access to, or does not exist"))
        # Without a choice Django would not filter at all.
        return [(asked, named)] if asked else []

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        kind, _colon, key = (self.value() or "").partition(":")
        if not self.value():
            return queryset
        # What the person may not know of is used by nothing they see.
        known = kind in kinds and bool(things_of({(kind, key)}, request.user))
        return using(queryset, kind, key) if known else queryset.none()


def using(workflows: Rows, kind: str, key: str | None) -> Rows:
    """Those whose live revision or draft uses a thing."""
    return workflows.filter(pk__in=keeping.using(kind, key or "").order_by().values("workflow"))
