"""What stands in the places of addresses, in a state of the database: which rows are looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps

from crm.models import Contact, Form, Survey
from crm.tracking.unsubscribing import preferences_link
from tests.access.walking import PLACE
from tests.access.world import MODEL, first
from tests.screens.addresses import Screen
from workflows.models import Enrollment, Workflow
from workflows.registries import goals

#: A place in a query.
BRACES = re.compile(r"\{(\w+)\}")
#: Pages of enrollments that are about something else than an enrollment.
ABOUT = {"/diagnose/": "workflow", "/enrollment/log/": "workflow", "/enrollment/event/": "line"}


class Missing(Exception):
    """There is no row the address could be of."""


@dataclass(frozen=True)
class Places:
    """The rows to look at by "app/model", or the first ones; and by other words what else is asked for."""

    rows: Mapping[str, int] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def address(self, screen: Screen) -> str:
        """The path and query of a screen. Raises Missing where the database has nothing for it."""
        values = self.values(screen.route)

        def filled(found: re.Match[str]) -> str:
            value = values.get(found[1])
            if not value:
                raise Missing(f"{screen.name}: {found[1]}")
            return str(value)

        return "/" + BRACES.sub(filled, PLACE.sub(filled, screen.address))

    def values(self, route: str) -> dict[str, Any]:
        workflow = self.row("workflows", "workflow")
        about = next((self.more.get(what, workflow) for part, what in ABOUT.items() if part in route), None)
        model = MODEL.match(route)
        row = about if about is not None else self.row(*model.groups()) if model else 0
        form, survey, contact = (self.row("crm", name) for name in ("form", "survey", "contact"))
        asked = Survey.objects.filter(pk=survey) if route.startswith("surveys/") else Form.objects.filter(pk=form)
        live = Workflow.objects.filter(pk=workflow, live__isnull=False).values_list("live__number", flat=True)
        inside = Enrollment.objects.filter(pk=self.row("workflows", "enrollment")).values_list("record_id", flat=True)
        return {
            "pk": row, "id": row, "object_id": row, "token": asked.values_list("token", flat=True).first(),
            "mass": self.row("workflows", "massenrollment"),
            "moving": self.row("workflows", "massmove"), "number": live.first(), "app_label": "crm",
            "slug": next(iter(goals)), "workflow": workflow, "record": inside.first(),
            "group": self.row("auth", "group"),
            "preferences": preferences_link(contact).removeprefix("/") if Contact.objects.exists() else "",
        } | dict(self.more)  # fmt: skip

    def row(self, app: str, name: str) -> int:
        chosen = self.rows.get(f"{app}/{name}")
        model = apps.all_models[app].get(name)
        return chosen or (first(model) if model and model._meta.managed else 0)
