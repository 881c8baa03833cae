"""Issues as people read them: where, why, how often, and what may be decided (HIS-11, HIS-12)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from records.ids import id_of
from workflows.admin.narrowing import step_label
from workflows.definitions.definition import Definition
from workflows.history import issues
from workflows.history.reasons import reason_sentence
from workflows.history.telling import definition_of, tell
from workflows.models import Issue, Revision
from workflows.rights.opening import changeable, openable

PER_PAGE = 50
WEEK = dt.timedelta(days=7)
VERBS = {
    issues.FIX: gettext_lazy("Mark as fixed"),
    issues.IGNORE: gettext_lazy("Ignore until it happens again"),
    issues.REMIND: gettext_lazy("Remind me"),
    issues.REOPEN: gettext_lazy("Open again"),
}
SPANS = {"day": gettext_lazy("tomorrow"), "week": gettext_lazy("in a week"), "month": gettext_lazy("in 30 days")}


@dataclass(frozen=True)
class IssueRow:
    """One issue with its last occurrence in words; `lately` is how often it happened in the last seven days."""

    issue: Issue
    step: str
    sentence: SafeString | str
    lately: int

    @property
    def many(self) -> bool:
        return self.lately >= issues.COUNTED


class Issues:
    """The issues of the workflows a person may open, of one with `?workflow=`; those put aside with `?aside=1`."""

    def __init__(self, query: QueryDict, now: dt.datetime, user: Any) -> None:
        self.query, self.now, self.user = query, now, user

    @cached_property
    def aside(self) -> bool:
        return bool(self.query.get("aside"))

    @cached_property
    def page(self) -> Page[Issue]:
        """The page the address asks for, the nearest there is."""
        found = openable(Issue.objects.select_related("workflow__live", "decided_by"), self.user, "workflow")
        if "workflow" in self.query:
            found = found.filter(workflow=id_of(self.query["workflow"]) or 0)
        chosen = issues.put_aside(self.now, found) if self.aside else issues.open_issues(self.now, found)
        return Paginator(chosen, PER_PAGE).get_page(self.query.get("page"))

    @cached_property
    def rows(self) -> list[IssueRow]:
        return rows_of(list(self.page), self.now)

    def changeable(self) -> set[int]:
        """Those among them about which the person may decide."""
        mine = Issue.objects.filter(pk__in=[row.issue.pk for row in self.rows])
        return set(changeable(mine, self.user, "workflow").values_list("pk", flat=True))


def rows_of(found: list[Issue], now: dt.datetime) -> list[IssueRow]:
    lines, lately = issues.examples(found), issues.occurrences(found, now - WEEK)
    revisions = Revision.objects.in_bulk({line.revision_id for line in lines.values()})
    definitions: dict[int, Definition | None] = {pk: definition_of(one) for pk, one in revisions.items()}
    rows = []
    for issue in found:
        line = lines.get(issue.pk)
        definition = definitions.get(line.revision_id) if line else None
        step = definition.by_id.get(issue.step) if definition else None
        told = tell(line, definition, step) if line else reason_sentence({"reason": issue.reason})
        rows.append(IssueRow(issue, step_label(definition, issue.step), told, lately.get(issue.pk, 0)))
    return rows
