"""The action log of one workflow: what its steps did for whom, newest first (HIS-08, HIS-09)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from records.object_types import object_types
from workflows.admin.enrollment_list import names_of, record_url
from workflows.admin.narrowing import Narrowing
from workflows.definitions.definition import Definition
from workflows.engine.failing import with_sequel
from workflows.history import action_log, enrollments, traffic
from workflows.history.telling import definition_of, tell
from workflows.models import Enrollment, Issue, Outcome, Revision, StepExecution, Workflow
from workflows.registries import actions

PER_PAGE = 50
#: Enrollments a search by name finds at most; the lines are theirs.
FOUND = 200
COLOURS = {
    Outcome.SUCCESS: "ok",
    Outcome.SKIPPED: "warn",
    Outcome.FAILED: "danger",
    Outcome.WAITING: "info",
    Outcome.RETRYING: "warn",
}
#: How a step that records came through ended, as the counts on the canvas ask.
ENDED = {"passed": (Outcome.SUCCESS, Outcome.SKIPPED), "failed": (Outcome.FAILED,)}


@dataclass(frozen=True)
class LogRow:
    """One line; `sentence` is safe HTML."""

    execution: StepExecution
    record: int | None
    name: str
    url: str
    label: str
    sentence: SafeString
    colour: str


class LogListing(Narrowing):
    """One page of a workflow's log. Unknown filter values find nothing rather than everything."""

    names: ClassVar = ("step", "action", "kind", "during", "until", "record", "q", "way", "ended", "issue")

    def __init__(self, workflow: Workflow, query: QueryDict, now: dt.datetime, user: Any = None) -> None:
        super().__init__(query, now, user)
        self.workflow = workflow

    @cached_property
    def revisions(self) -> list[int]:
        return list(self.workflow.revisions.exclude(published_at=None).values_list("pk", flat=True))

    @cached_property
    def definition(self) -> Definition | None:
        return definition_of(self.workflow.live) if self.workflow.live else None

    @cached_property
    def issue(self) -> Issue | None:
        """The issue whose occurrences are asked for (HIS-12)."""
        asked = self.workflow.issues.filter(pk=self.number("issue") or 0) if self.chosen("issue") else None
        return asked.select_related("decided_by").first() if asked is not None else None

    @cached_property
    def asked(self) -> action_log.Asked:
        issue = self.issue
        return action_log.Asked(
            self.revisions,
            since=self.since(),
            until=self.until(),
            actions=[self.chosen("action")] if self.chosen("action") else (),
            outcomes=[str(Outcome.FAILED)] if issue else self.outcomes(),
            step=issue.step if issue else self.chosen("step"),
            reason=issue.reason if issue else None,
            branch=(self.number("way") if self.chosen("way") != "-1" else -1) if self.chosen("way") else None,
            enrollments=self.enrollments(),
        )

    def since(self) -> dt.datetime | None:
        chosen = self.chosen("during")
        return traffic.begin(chosen, self.now) if chosen in traffic.PERIODS else self.begin("during")

    def until(self) -> dt.datetime | None:
        """The last instant of the chosen day."""
        day = readable(parse_date, self.chosen("until"))
        end = dt.datetime.combine(day, dt.time.max) if day else None
        return timezone.make_aware(end) if end else None

    def outcomes(self) -> list[str]:
        """Of the chosen kind, and as the canvas asks; a kind that is none has no outcomes."""
        wanted = [str(one) for one in Outcome]
        if self.chosen("kind"):
            _label, of_kind = action_log.KINDS.get(self.chosen("kind"), ("", ()))
            wanted = [one for one in wanted if one in of_kind] or ["-"]
        if self.chosen("ended"):
            wanted = [one for one in wanted if one in ENDED.get(self.chosen("ended"), ())] or ["-"]
        return wanted if self.chosen("kind") or self.chosen("ended") else []

    def enrollments(self) -> list[int] | None:
        """Of the record, or of the records searched for; None where neither is asked for."""
        mine = Enrollment.objects.filter(workflow=self.workflow).order_by("-id")
        if self.chosen("record"):
            return list(mine.filter(record_id=self.number("record") or 0).values_list("pk", flat=True)[:FOUND])
        if self.chosen("q"):
            kind = object_types[self.workflow.object_type]
            return [one.pk for one in enrollments.search(mine, kind, self.chosen("q"), FOUND).rows]
        return None

    @cached_property
    def page(self) -> action_log.Page:
        at, _comma, pk = self.chosen("before").partition(",")
        moment = readable(parse_datetime, at)
        key = action_log.Key(moment, int(pk)) if moment and pk.isdecimal() and len(pk) < 19 else None
        return action_log.page(self.asked, PER_PAGE, key)

    @property
    def older(self) -> str:
        """The query string of the next page; "" on the last."""
        key = self.page.older
        return self.with_value("before", f"{key.at.isoformat()},{key.id}") if key else ""

    def rows(self) -> list[LogRow]:
        lines = self.page.lines
        inside = Enrollment.objects.select_related("workflow").in_bulk({line.enrollment_id for line in lines})
        revisions = Revision.objects.filter(pk__in={line.revision_id for line in lines})
        definitions = {revision.pk: definition_of(revision) for revision in revisions}
        names = names_of(list(inside.values()))
        return [
            self.row(line, inside.get(line.enrollment_id), definitions.get(line.revision_id), names) for line in lines
        ]

    def row(
        self, line: StepExecution, enrollment: Enrollment | None, definition: Definition | None,
        names: dict[tuple[str, int], str],
    ) -> LogRow:  # fmt: skip
        step = definition.by_id.get(line.step) if definition else None
        action, kind = actions.get(line.action), self.workflow.object_type
        label = str(action.label) if action else line.action or _("Missing step")
        if definition and step:
            label = _("%(number)d. %(action)s") % {"number": definition.number_of(step.id), "action": label}
        record = enrollment.record_id if enrollment else None
        return LogRow(
            line,
            record,
            names.get((kind, record), f"#{record}") if record else _("Forgotten"),
            record_url(kind, record) if record else "",
            label,
            with_sequel(tell(line, definition, step), line.outcome, line.detail),
            COLOURS[Outcome(line.outcome)],
        )

    def filters(self) -> list[dict[str, Any]]:
        if self.issue:
            return [self.periods("during", _("When"))]
        kinds = [(key, label) for key, (label, _outcomes) in action_log.KINDS.items()]
        return [
            self.filter("kind", _("Event"), kinds),
            self.filter("action", _("Action"), self.used_actions()),
            self.filter("step", _("Step"), self.steps(self.definition)),
            self.periods("during", _("When")),
            *([self.filter("ended", _("And there"), self.endings())] if self.chosen("ended") else []),
            *([self.filter("way", _("Branch"), self.ways())] if self.chosen("way") else []),
        ]

    def endings(self) -> list[tuple[str, str]]:
        return [("passed", _("Got through")), ("failed", _("Failed there"))]

    def used_actions(self) -> list[tuple[str, str]]:
        """The types of action the live version has, and the one that was asked for."""
        used = {step.action for step in self.definition.walk()} if self.definition else set()
        used |= {self.chosen("action")} if self.chosen("action") else set()
        named = [(slug, str(actions[slug].label) if slug in actions else slug) for slug in used]
        return sorted(named, key=lambda pair: pair[1].casefold())

    def ways(self) -> list[tuple[str, str]]:
        """The branches of the step that records came through, by number."""
        step = self.definition.by_id.get(self.chosen("step")) if self.definition else None
        return [(str(index), branch.name) for index, branch in enumerate(step.branches)] if step else []

    @property
    def all_of_them(self) -> str:
        """The query string of the enrollment history that goes with it."""
        kept = {"workflow__id__exact": str(self.workflow.pk)} | (
            {"record": self.chosen("record")} if self.chosen("record") else {}
        )
        return urlencode(kept)


def readable(read: Any, text: str) -> Any:
    """What a text says; None for a date there is none of."""
    try:
        return read(text) if text else None
    except ValueError:
        return None
