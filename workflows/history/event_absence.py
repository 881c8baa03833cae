"""Why no event has enrolled a record: what intake asks of an occurrence, asked again step by step (HIS-19).

The conditions are those of workflows.intake.judging. The record's occurrences, as far as they are kept, go through
them one after another; the event that came furthest is the answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, Min, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.associations import associations_of, links_of
from records.event_types import event_type
from records.models import Association, Change, ChangeKind, Event, PendingChange, PendingEvent
from records.moments import moment
from records.problems import DocumentError
from workflows.enrollment.refusing import because
from workflows.events.journal import JournalEvent
from workflows.events.known import event_of
from workflows.events.settings import context_of, describe
from workflows.history.event_stories import change_facts, facts_of, seen_by
from workflows.history.explanation import (
    BEFORE_LINK,
    BEFORE_RECORD,
    BY_MERGE,
    EARLIER,
    HINDERED,
    MET_LATER,
    NO_EVENT,
    NOT_KEPT,
    NOT_MET,
    OTHER_EVENT,
    PENDING,
    UNREADABLE,
    Question,
)
from workflows.intake import isolating, judging, merges
from workflows.models import Enrollment, EventSubscription, SetAside

#: So many of a record's newest occurrences are looked at.
LOOKED_AT = 200
Occurrences = Sequence[PendingEvent | PendingChange]


@dataclass(frozen=True)
class Finding:
    """How far the occurrences of one event came: the further, the more there is to say."""

    place: int
    verdict: str
    sentences: list[str]


def why_no_event(question: Question, missing: list[str]) -> tuple[str, list[str]]:
    """The verdict on the event that came furthest, and the sentences on all; `missing`: standing filters not met."""
    rows = EventSubscription.objects.filter(revision=question.workflow.live).order_by("item")
    subscriptions = list(rows.select_related("revision__workflow__live"))
    if not subscriptions:
        return UNREADABLE, [_("The trigger names no event that can still happen. Correct and publish it.")]
    findings = [Looking(question, one, missing).finding() for one in subscriptions]
    best = max(findings, key=lambda finding: finding.place)
    others = [sentence for finding in findings if finding is not best for sentence in finding.sentences]
    return best.verdict, [*best.sentences, *others]


class Looking:
    """One event of a trigger, and what has happened to one record."""

    def __init__(self, question: Question, subscription: EventSubscription, missing: list[str]) -> None:
        self.question, self.subscription, self.missing = question, subscription, missing
        self.workflow = subscription.revision.workflow
        self.stored = event_type(subscription.event) if subscription.source.startswith("event:") else None
        self.since = judging.since_of(subscription)

    @property
    def label(self) -> str:
        document = self.question.definition.trigger.document["events"][self.subscription.item]
        event = event_of(self.subscription.event)
        return describe(event, document, context_of(self.question.kind.slug)) if event else self.subscription.event

    def finding(self) -> Finding:
        """The first condition that lets no occurrence through."""
        steps = (self.happened, self.in_time, self.not_by_merge, self.known_then, self.as_wanted, self.there_before)
        left: Occurrences = []
        for place, step in enumerate(steps):
            before, left = left, step(left)
            if not left:
                verdict = BEFORE_LINK if self.stored is None and place == THERE else VERDICTS[place]
                return Finding(place, verdict, self.told(place, before))
        return self.not_followed(left)

    def happened(self, _nothing: Occurrences) -> Occurrences:
        found: Occurrences = self.events() if self.stored is not None else self.changes()
        return [one for one in found if judging.names(self.subscription, one)]

    def events(self) -> list[PendingEvent]:
        """The record's occurrences as intake sees them, newest first."""
        kind = self.question.kind.slug
        mine = Event.objects.filter(object_type=kind, record_id=self.question.record_id, event=self.subscription.event)
        return [
            PendingEvent(
                event_id=row.pk, event=row.event, object_type=row.object_type, record_id=row.record_id,
                occurred_at=row.occurred_at, source=row.source, depth=row.depth, at=row.received_at,
            )
            for row in mine.order_by("-occurred_at")[:LOOKED_AT]
        ]  # fmt: skip

    def changes(self) -> list[PendingChange]:
        """The changes of the record, or of those associated with it, as intake sees them, newest first."""
        kind, ids, event = self.question.kind, [self.question.record_id], event_of(self.subscription.event)
        if not isinstance(event, JournalEvent):
            return []
        slug = kind.slug
        if through := self.subscription.through:
            ids = [other for _own, other in links_of(kind, through, own=ids)]
            slug = associations_of(kind)[through].to.slug
        detail = self.subscription.detail
        rows = Change.objects.filter(object_type=slug, record_id__in=ids, kind__in=event.kinds)
        if detail and detail[0] not in "+-":
            rows = rows.filter(Q(after__has_key=detail) | Q(before__has_key=detail))
        return [
            PendingChange(
                change_id=row.pk, object_type=row.object_type, record_id=row.record_id, kind=row.kind,
                properties=properties_of(row), source=row.source, depth=row.depth, at=row.at,
            )
            for row in rows.order_by("-id")[:LOOKED_AT]
        ]  # fmt: skip

    def in_time(self, found: Occurrences) -> Occurrences:
        since = max(self.since, self.question.since or self.since)
        return [one for one in found if at_of(one) >= since]

    def not_by_merge(self, found: Occurrences) -> Occurrences:
        events, changes = events_in(found), changes_in(found)
        return [*merges.counting(self.workflow, events), *merges.counting(self.workflow, changes)]

    def known_then(self, found: Occurrences) -> Occurrences:
        return [one for one in found if not isinstance(one, PendingEvent) or judging.known_then(one)]

    def as_wanted(self, found: Occurrences) -> Occurrences:
        try:
            if self.stored is not None:
                rows = judging.as_wanted(self.subscription, self.stored, events_in(found), self.question.now)
                passed = set(rows.values_list("pk", flat=True))
            else:
                passed = {one.id for one in judging.fitting(self.subscription, changes_in(found), self.question.kind)}
        except DocumentError:
            return []
        return [one for one in found if id_of(one) in passed]

    def there_before(self, found: Occurrences) -> Occurrences:
        if self.stored is None:
            return self.linked_before(changes_in(found)) if self.subscription.through else found
        there = judging.there_before(self.stored, self.question.kind, self.question.kind.records())
        rows = Event.objects.filter(pk__in=[id_of(one) for one in found]).filter(Exists(there))
        passed = set(rows.values_list("pk", flat=True))
        return [one for one in found if id_of(one) in passed]

    def linked_before(self, found: list[PendingChange]) -> list[PendingChange]:
        """The changes of records that were associated already when it happened, where links say since when."""
        kind, through = self.question.kind, str(self.subscription.through)
        links = Association.objects.filter(
            from_type=kind.slug, from_id=self.question.record_id, to_type=associations_of(kind)[through].to.slug
        )
        since = dict(links.values_list("to_id").annotate(first=Min("created_at")))
        return [one for one in found if one.at >= since.get(one.record_id, one.at)]

    def told(self, place: int, found: Occurrences) -> list[str]:
        """What a condition that let nothing through says."""
        facts: dict[str, Any] = {"event": self.label, "since": moment(self.since)}
        if not found:
            return [_("“%(event)s” has not happened to the record, as far as is still known.") % facts]
        facts["when"] = moment(at_of(found[0]))
        if place == EARLY and self.question.since and at_of(found[0]) >= self.since:
            return [_("“%(event)s” has not happened again since the record left; it last did on %(when)s.") % facts]
        told = str(LINKED_LATER if self.stored is None and place == THERE else TOLD[place]) % facts
        if place == WANTED and (what := self.facts_of(found[0])):
            return [told, _("It was: %(what)s.") % {"what": what}]
        return [told]

    def facts_of(self, one: PendingEvent | PendingChange) -> str:
        """What was told with an occurrence, as far as the person may see it."""
        if isinstance(one, PendingChange):
            return change_facts({"change": one.change_id}, self.question.user)
        row = Event.objects.filter(pk=one.event_id).first()
        return facts_of(self.stored, seen_by(self.question.user, self.stored, row.properties)) if row else ""

    def not_followed(self, found: Occurrences) -> Finding:
        """The event happened as the trigger wants it: what the record lacked, or what is still to come."""
        facts = {"event": self.label, "when": moment(at_of(found[0]))}
        last = self.refusal(at_of(found[0]))
        if last is not None:
            told = _("“%(event)s” happened on %(when)s, and the record was not let in then.") % facts
            return Finding(LAST + 2, last.ended_reason, [because(last.ended_reason, last.cause), told])
        if self.queued(found):
            told = _("“%(event)s” happened on %(when)s. The record is about to be looked at.") % facts
            return Finding(LAST + 3, PENDING, [told])
        aside = SetAside.objects.filter(
            hindrance__kind=isolating.REACTION, hindrance__workflow=self.workflow, record_id=self.question.record_id
        )
        if aside.exists():
            told = _("“%(event)s” happened on %(when)s. An error keeps the workflow from looking at it.") % facts
            return Finding(LAST + 3, HINDERED, [told])
        if self.missing:
            told = _("“%(event)s” happened on %(when)s, but the record does not meet the filters besides.") % facts
            return Finding(LAST, NOT_MET, [told, *self.missing])
        if not self.question.definition.trigger.criteria:
            told = _("“%(event)s” happened on %(when)s. What was done with it then is not kept any more.") % facts
            return Finding(LAST + 1, NOT_KEPT, [told])
        told = _(
            "“%(event)s” happened on %(when)s. The record did not meet the filters besides at that instant; that it "
            "meets them now enrolls nobody."
        )
        return Finding(LAST + 1, MET_LATER, [told % facts])

    def refusal(self, since: dt.datetime) -> Enrollment | None:
        """What the door has said since an occurrence, because of an event.

        Of those that are refused again and again the first one's cause is kept: somebody may have tried by hand.
        """
        rows = Enrollment.objects.filter(
            workflow=self.workflow, record_id=self.question.record_id, status=Enrollment.Status.REFUSED
        ).filter(Q(cause__kind="event") | Q(cause__has_key="times"))
        return rows.filter(ended_at__gte=since).order_by("-ended_at", "-id").first()

    def queued(self, found: Occurrences) -> bool:
        """Whether one of the occurrences waits for intake still."""
        ids = [id_of(one) for one in found]
        if self.stored is not None:
            return PendingEvent.objects.filter(event_id__in=ids).exists()
        return PendingChange.objects.filter(change_id__in=ids).exists()


#: By the place of the condition: its code, and its sentence. LAST is the place after all of them.
VERDICTS = (NO_EVENT, EARLIER, BY_MERGE, BEFORE_RECORD, OTHER_EVENT, BEFORE_RECORD)
EARLY, WANTED, THERE, LAST = 1, 4, 5, len(VERDICTS)
IT_CAME_LATER = gettext_lazy(
    "“%(event)s” happened on %(when)s, before this was a record here; events count only for records that are there."
)
LINKED_LATER = gettext_lazy(
    "“%(event)s” happened on %(when)s, before the two records were associated; only what happens later counts."
)
TOLD = (
    "",
    gettext_lazy(
        "“%(event)s” happened on %(when)s, before the workflow looked at it: it counts what happens since %(since)s."
    ),
    gettext_lazy(
        "“%(event)s” happened on %(when)s by a merge of records, and this workflow enrolls no merged records."
    ),
    IT_CAME_LATER,
    gettext_lazy("It happened on %(when)s, but not as the trigger wants it: “%(event)s”."),
    IT_CAME_LATER,
)


def properties_of(change: Change) -> list[str]:
    """What a change is queued with: the properties it changed, or the type of the record linked."""
    if change.kind in (ChangeKind.ASSOCIATED, ChangeKind.DISSOCIATED):
        return [str((change.after or change.before).get("to_type", ""))]
    return sorted({*change.before, *change.after})


def at_of(one: PendingEvent | PendingChange) -> dt.datetime:
    return one.occurred_at if isinstance(one, PendingEvent) else one.at


def id_of(one: PendingEvent | PendingChange) -> int:
    return one.event_id if isinstance(one, PendingEvent) else one.change_id


def events_in(found: Occurrences) -> list[PendingEvent]:
    return [one for one in found if isinstance(one, PendingEvent)]


def changes_in(found: Occurrences) -> list[PendingChange]:
    return [one for one in found if isinstance(one, PendingChange)]
