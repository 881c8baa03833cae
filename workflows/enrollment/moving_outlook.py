"""What moving records by hand to another step would do, told before it is done: who from where, who cannot and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext_lazy

from records.problems import DocumentError
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.definitions.ways import label_of
from workflows.models import CodeRun, Enrollment, Revision, Workflow

#: The revision and the step an enrollment stands on.
Place = tuple[int, str]
OFF, DELETED, ENDED, STOPPED, THERE, NO_STEP, UNREADABLE, GONE_ON = (
    "workflow_off", "workflow_deleted", "ended", "stopped", "there", "no_such_step", "unreadable", "gone_on",
)  # fmt: skip
#: Why an enrollment is not moved, by code.
REFUSALS = {
    OFF: gettext_lazy("The workflow is turned off. Turn it on first."),
    DELETED: gettext_lazy("The workflow was deleted. Restore it and turn it on first."),
    ENDED: gettext_lazy("It has ended, so it stands on no step. Enroll the record again instead."),
    STOPPED: gettext_lazy("An error has stopped it. Try it again or skip its step first."),
    THERE: gettext_lazy("It stands on this step already."),
    NO_STEP: gettext_lazy("The revision it runs in does not have this step. Choose one of its own steps."),
    UNREADABLE: gettext_lazy("The revision it runs in cannot be read any more, as an action of it is not installed."),
    GONE_ON: gettext_lazy("It has gone on to another step meanwhile. Look where it stands now, then decide again."),
}

# What the steps of some enrollments have in the outbox: not sent yet, and on its way.
OUTSTANDING = """
    SELECT count(*) FILTER (WHERE d.state = 'pending'), count(*) FILTER (WHERE d.state = 'sending')
    FROM workflows_delivery d JOIN workflows_enrollment e ON e.id = d.enrollment_id
    WHERE d.state IN ('pending', 'sending') AND e.id IN ({these})
        AND starts_with(concat(d.key, ':'), concat_ws(':', e.id, e.step, e.visit, ''))
"""


@dataclass(frozen=True)
class Group:
    """Enrollments on one step of one revision; `waiting` of them wait there. `refusal` is a code of REFUSALS or ""."""

    revision: int
    step: str
    count: int
    waiting: int = 0
    refusal: str = ""

    @property
    def place(self) -> Place:
        return self.revision, self.step


@dataclass
class Outlook:
    """What moving some enrollments would do. `numbers` are those of the revisions they run in."""

    groups: list[Group] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    definitions: dict[int, Definition | None] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    #: Deliveries and scripts of their steps that are given up by it, and deliveries that are on their way already.
    deliveries: int = 0
    scripts: int = 0
    sending: int = 0

    @property
    def moving(self) -> list[Group]:
        return [group for group in self.groups if not group.refusal]

    @property
    def count(self) -> int:
        return sum(group.count for group in self.moving)

    @property
    def waiting(self) -> int:
        return sum(group.waiting for group in self.moving)

    @property
    def places(self) -> list[Place]:
        return [group.place for group in self.moving]


def standing(enrollments: QuerySet[Enrollment]) -> list[Group]:
    """Where the active ones among some enrollments stand."""
    inside = enrollments.filter(status=Enrollment.Status.ACTIVE).order_by()
    rows = inside.values_list("revision", "step").annotate(
        count=Count("pk"), waiting=Count("pk", filter=Q(waiting_in=F("step")))
    )
    return [Group(*row) for row in rows.order_by("revision", "step")]


def look(workflow: Workflow, enrollments: QuerySet[Enrollment], target: str = "") -> Outlook:
    """What moving some enrollments of a workflow to a step would do; without a step, only where they stand."""
    enrollments = enrollments.filter(workflow=workflow)
    groups = standing(enrollments)
    numbers, definitions = read({group.revision for group in groups})
    found = Outlook(groups, ended(enrollments), definitions, numbers)
    if not target:
        return found
    closed = closed_because(workflow)
    found.groups = [replace(one, refusal=closed or refusal(definitions, one.place, target)) for one in groups]
    for group in found.groups:
        if group.refusal:
            found.refused[group.refusal] += group.count
    if found.count:
        these = enrollments.filter(at(found.places), status=Enrollment.Status.ACTIVE)
        found.deliveries, found.sending = outstanding(these)
        found.scripts = CodeRun.objects.filter(enrollment__in=these.order_by().values("pk")).count()
    return found


def name_of(definition: Definition | None, step_id: str) -> str:
    """ "3. Send email"; the id of a step that is not to be found."""
    step = definition.by_id.get(step_id) if definition else None
    return label_of(step, definition) if definition and step else step_id


def closed_because(workflow: Workflow) -> str:
    """The code of why nobody in a workflow is moved; "" where they are: in a paused one they wait there."""
    if workflow.deleted_at is not None:
        return DELETED
    return OFF if workflow.status == Workflow.Status.OFF else ""


def not_inside(status: str, step: str) -> str:
    if status == Enrollment.Status.ACTIVE:
        return ""
    return STOPPED if status == Enrollment.Status.FAILED and step else ENDED


def ended(enrollments: QuerySet[Enrollment]) -> Counter[str]:
    """How many of some enrollments are not inside, by the code of why they are not moved."""
    over = enrollments.exclude(status=Enrollment.Status.ACTIVE).order_by()
    stopped = Count("pk", filter=Q(status=Enrollment.Status.FAILED) & ~Q(step=""))
    found = over.aggregate(every=Count("pk"), stopped=stopped)
    return +Counter({ENDED: found["every"] - found["stopped"], STOPPED: found["stopped"]})


def refusal(definitions: Mapping[int, Definition | None], place: Place, target: str) -> str:
    """The code of why nobody goes from a place to a step; "" where they do."""
    revision, step = place
    definition = definitions.get(revision)
    if definition is None:
        return UNREADABLE
    if target not in definition.by_id:
        return NO_STEP
    return THERE if step == target else ""


def read(revisions: Iterable[int]) -> tuple[dict[int, int], dict[int, Definition | None]]:
    """Numbers and definitions of revisions; None for one of which an action is not installed any more."""
    numbers: dict[int, int] = {}
    definitions: dict[int, Definition | None] = {}
    for revision in Revision.objects.filter(pk__in=set(revisions)):
        numbers[revision.pk] = revision.number
        try:
            definitions[revision.pk] = parse(revision.definition)
        except DocumentError:
            definitions[revision.pk] = None
    return numbers, definitions


def at(places: Iterable[Place]) -> Q:
    """Those on certain steps of certain revisions."""
    by_revision: dict[int, list[str]] = {}
    for revision, step in places:
        by_revision.setdefault(revision, []).append(step)
    found = Q(pk__in=[])
    for revision, steps in by_revision.items():
        found |= Q(revision=revision, step__in=steps)
    return found


def outstanding(enrollments: QuerySet[Enrollment]) -> tuple[int, int]:
    """How many deliveries of the steps they stand on are not sent yet, and how many are on their way."""
    sql, params = enrollments.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(OUTSTANDING.format(these=sql), params)
        waiting, sending = cursor.fetchone()
        return int(waiting), int(sending)
