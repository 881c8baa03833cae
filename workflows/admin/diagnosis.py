"""What the diagnose page shows: a record picker, the verdict, and every filter then and now."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import Any

from django.db.models import Model
from django.http import QueryDict

from records.ids import id_of
from records.object_types import ObjectType, object_types
from records.seeing import name_for
from workflows.admin.enrollment_list import record_url
from workflows.admin.meant import meant
from workflows.history.explaining import explain, of_other_type
from workflows.history.explanation import Explanation
from workflows.models import Enrollment, Workflow

FOUND = 10
GOOD = ("enrolled", "about_to_enroll")


class Diagnosis:
    """One workflow, and the record that was asked about (`record`, or a search `q`)."""

    def __init__(self, workflow: Workflow, query: QueryDict, now: dt.datetime, user: Any = None) -> None:
        self.workflow = workflow
        self.query = query
        self.now = now
        self.user = user

    @property
    def object_type(self) -> ObjectType:
        return object_types[self.workflow.object_type]

    def may_see(self, user: Any) -> bool:
        """Values are shown, so whoever asks must be allowed to view the records."""
        meta = self.object_type.model._meta
        return bool(user.has_perm(f"{meta.app_label}.view_{meta.model_name}"))

    @property
    def search(self) -> str:
        return self.query.get("q", "").replace("\x00", "").strip()

    @cached_property
    def found(self) -> list[tuple[int, str]]:
        """The record whose number it is, or the newest ones whose name contains the searched text."""
        records = meant(self.object_type, self.search, self.user)[:FOUND] if self.search else ()
        return [(record.pk, name_for(self.user, self.object_type, record)) for record in records]

    @cached_property
    def record_id(self) -> int | None:
        return id_of(self.query.get("record"))

    @cached_property
    def record(self) -> Model | None:
        return self.object_type.model._default_manager.filter(pk=self.record_id).first() if self.record_id else None

    @property
    def name(self) -> str:
        return name_for(self.user, self.object_type, self.record) if self.record else f"#{self.record_id}"

    @property
    def url(self) -> str:
        return record_url(self.object_type.slug, self.record_id) if self.record and self.record_id else ""

    @cached_property
    def explanation(self) -> Explanation | None:
        if not self.record_id:
            return None
        other = of_other_type(self.workflow, self.query.get("object", self.workflow.object_type))
        if other is not None:
            return other
        wanted = id_of(self.query.get("enrollment"))
        mine = Enrollment.objects.filter(workflow=self.workflow, record_id=self.record_id)
        enrollment: Any = None
        if wanted is not None:
            enrollment = mine.filter(pk=wanted).exclude(status=Enrollment.Status.REFUSED).first()
        return explain(self.workflow, self.record_id, now=self.now, enrollment=enrollment, user=self.user)

    @property
    def level(self) -> str:
        """The colour of the verdict."""
        return "ok" if self.explanation and self.explanation.verdict in GOOD else "warn"
