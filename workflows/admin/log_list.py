"""The action log: what steps did for whom, newest first, of one workflow as a page shows it (HIS-08, HIS-09)."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from workflows.admin.enrollment_list import named_to, names_of, record_url
from workflows.admin.narrowing import Narrowing
from workflows.definitions.definition import Definition
from workflows.engine.failing import with_sequel
from workflows.history import action_log, enrollments, traffic
from workflows.history.telling import definition_of, tell
from workflows.models import Enrollment, Issue, Outcome, Revision, StepExecution, Workflow
from workflows.registries import actions

PER_PAGE = 50
#: Enrollments of a record, or that a search by name finds, whose lines stand together; those of earlier ones follow.
FOUND = 200
COLOURS = {
    Outcome.SUCCESS: "ok",
    Outcome.SKIPPED: "warn",
    Outcome.FAILED: "danger",
    Outcome.WAITING: "info",
    Outcome.RETRYING: "warn",
}
#: What no line has ended with.
NOTHING = ["-"]
#: How a step that records came through ended, as the counts on the canvas ask.
ENDED = {"passed": (Outcome.SUCCESS, Outcome.SKIPPED), "failed": (Outcome.FAILED,)}


@dataclass(frozen=True)
class LogRow:
    """One line; `sentence` is safe HTML."""

    execution: StepExecution
    workflow: Workflow | None
    record: int | None
    name: str
    url: str
    label: str
    sentence: SafeString
    colour: str


class Lines(Narrowing, ABC):
    """One page of a log. Unknown filter values find nothing rather than everything."""

    #: `earlier` than which enrollment those are whose lines these are, and `before` which of their lines.
    places: ClassVar = ("earlier", "before")

    @property
    @abstractmethod
    def slugs(self) -> list[str]:
        """The object types of the records."""

    @property
    @abstractmethod
    def inside(self) -> QuerySet[Enrollment]:
        """The enrollments whose lines these are."""

    @property
    @abstractmethod
    def asked(self) -> action_log.Asked:
        """What is looked for."""

    def since(self) -> dt.datetime | None:
        chosen = self.chosen("during")
        return traffic.begin(chosen, self.now) if chosen in traffic.PERIODS else self.begin("during")

    def until(self) -> dt.datetime | None:
        """The last instant of the chosen day, in the zone of who looks; None for what is no day."""
        day = readable(parse_date, self.chosen("until"))
        return timezone.make_aware(dt.datetime.combine(day, dt.time.max)) if day else None

    def outcomes(self) -> list[str]:
        """Of the chosen kind, and as the canvas asks; a kind that is none has no outcomes."""
        wanted = [str(one) for one in Outcome]
        if self.chosen("kind"):
            _label, of_kind = action_log.KINDS.get(self.chosen("kind"), ("", ()))
            wanted = [one for one in wanted if one in of_kind] or NOTHING
        if self.chosen("ended"):
            wanted = [one for one in wanted if one in ENDED.get(self.chosen("ended"), ())] or NOTHING
        return wanted if self.chosen("kind") or self.chosen("ended") else []

    @cached_property
    def found(self) -> enrollments.Page | None:
        """The enrollments of the record, or of the records searched for; None where neither is asked for."""
        mine, earlier = self.inside.order_by("-id"), self.number("earlier")
        if self.chosen("record"):
            its = mine.filter(record_id=self.number("record") or 0).only("pk")
            return enrollments.page(its, Q(), FOUND, earlier)
        if self.chosen("q"):
            named = named_to(self.user, self.slugs)
            return enrollments.search(mine, self.chosen("q"), FOUND, earlier, named=named)
        return None

    def enrollments(self) -> list[int] | None:
        return None if self.found is None else [one.pk for one in self.found.rows]

    @property
    def before(self) -> action_log.Key | None:
        """Behind which line the page begins."""
        at, _comma, pk = self.chosen("before").partition(",")
        moment = readable(parse_datetime, at)
        return action_log.Key(moment, int(pk)) if moment and pk.isdecimal() and len(pk) < 19 else None

    @cached_property
    def page(self) -> action_log.Page:
        return action_log.page(self.asked, PER_PAGE, self.before)

    @property
    def older(self) -> str:
        """The query string of the next page; "" on the last."""
        if key := self.page.older:
            return self.with_value("before", f"{key.at.isoformat()},{key.id}")
        return self.with_value("earlier", str(self.found.older)) if self.found and self.found.older else ""

    @property
    def further(self) -> bool:
        """Whether the next page looks for more, rather than that there are more for certain."""
        return bool(self.page.looked_back_to or (self.found and self.found.further and not self.page.older))

    def rows(self) -> list[LogRow]:
        lines = self.page.lines
        inside = Enrollment.objects.select_related("workflow").in_bulk({line.enrollment_id for line in lines})
        revisions = Revision.objects.select_related("workflow").in_bulk({line.revision_id for line in lines})
        definitions = {pk: definition_of(revision) for pk, revision in revisions.items()}
        names = names_of(list(inside.values()), self.user)
        return [
            row_of(
                line, inside.get(line.enrollment_id), revisions.get(line.revision_id),
                definitions.get(line.revision_id), names,
            )
            for line in lines
        ]  # fmt: skip

    def named_actions(self, slugs: set[str]) -> list[tuple[str, str]]:
        """Types of action with their labels, and the one that was asked for."""
        used = slugs | ({self.chosen("action")} if self.chosen("action") else set())
        named = [(slug, str(actions[slug].label) if slug in actions else slug) for slug in used]
        return sorted(named, key=lambda pair: pair[1].casefold())

    def shared_filters(self, used: set[str]) -> list[dict[str, Any]]:
        """Those by what happened and by which action; `used` are the types of action to choose from."""
        kinds = [(key, label) for key, (label, _outcomes) in action_log.KINDS.items()]
        return [
            self.filter("kind", _("Event"), kinds),
            self.filter("action", _("Action"), self.named_actions(used)),
        ]


def row_of(
    line: StepExecution, enrollment: Enrollment | None, revision: Revision | None, definition: Definition | None,
    names: dict[tuple[str, int], str],
) -> LogRow:  # fmt: skip
    step = definition.by_id.get(line.step) if definition else None
    action = actions.get(line.action)
    label = str(action.label) if action else line.action or _("Missing step")
    if definition and step:
        label = _("%(number)d. %(action)s") % {"number": definition.number_of(step.id), "action": label}
    workflow = enrollment.workflow if enrollment else revision.workflow if revision else None
    record = enrollment.record_id if enrollment else None
    kind = workflow.object_type if workflow else ""
    return LogRow(
        line,
        workflow,
        record,
        names.get((kind, record), f"#{record}") if record else _("Forgotten"),
        record_url(kind, record) if record else "",
        label,
        with_sequel(tell(line, definition, step), line.outcome, line.detail),
        COLOURS[Outcome(line.outcome)],
    )


class LogListing(Lines):
    """One page of a workflow's log."""

    names: ClassVar = ("step", "action", "kind", "during", "until", "record", "q", "way", "ended", "issue")

    def __init__(self, workflow: Workflow, query: QueryDict, now: dt.datetime, user: Any = None) -> None:
        super().__init__(query, now, user)
        self.workflow = workflow

    @property
    def slugs(self) -> list[str]:
        return [self.workflow.object_type]

    @property
    def inside(self) -> QuerySet[Enrollment]:
        return Enrollment.objects.filter(workflow=self.workflow)

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
            outcomes=[str(Outcome.FAILED)] if issue else NOTHING if self.chosen("issue") else self.outcomes(),
            step=issue.step if issue else self.chosen("step"),
            reason=issue.reason if issue else None,
            branch=self.branch(),
            enrollments=self.enrollments(),
        )

    def branch(self) -> int | None:
        """The number of the branch taken, -1 for none of them; -2, which nobody takes, for what is no number."""
        asked, number = self.chosen("way"), self.number("way")
        if not asked:
            return None
        return -1 if asked == "-1" else -2 if number is None else number

    def filters(self) -> list[dict[str, Any]]:
        if self.issue:
            return [self.periods("during", _("When"))]
        used = {step.action for step in self.definition.walk()} if self.definition else set()
        return [
            *self.shared_filters(used),
            self.filter("step", _("Step"), self.steps(self.definition)),
            self.periods("during", _("When")),
            *([self.filter("ended", _("And there"), self.endings())] if self.chosen("ended") else []),
            *([self.filter("way", _("Branch"), self.ways())] if self.chosen("way") else []),
        ]

    def endings(self) -> list[tuple[str, str]]:
        return [("passed", _("Got through")), ("failed", _("Failed there"))]

    def ways(self) -> list[tuple[str, str]]:
        """The branches of the step that records came through, by number."""
        step = self.definition.by_id.get(self.chosen("step")) if self.definition else None
        return [(str(index), branch.name) for index, branch in enumerate(step.branches)] if step else []


def readable(read: Any, text: str) -> Any:
    """What a text says; None for a date there is none of."""
    try:
        return read(text) if text else None
    except ValueError:
        return None
