"""What every action in the registry promises besides: about rights, about the answers it waits for, about batches.

test_actions_contract has its examples, and the promises about queries, params, sentences and deleted records.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.models import Contact, User
from records.clock import database_now
from records.models import Access
from records.object_types import object_types
from records.problems import DocumentError
from records.property_access.granting import grant
from tests.api.conftest import person
from tests.workflows.actions.test_actions_contract import (
    BLANK,
    EXAMPLES,
    WAITING,
    contacts,
    context_for,
    named,
    people,
    steps_for,
    targets,
)
from tests.workflows.building import NOW, enroll, make_workflow
from tests.workflows.restricted import WORKFLOW_RIGHTS
from workflows import prepared
from workflows.definitions import checking, parsing
from workflows.definitions.permitted import refuse_new
from workflows.engine.taking_steps import run_due
from workflows.models import CodeRun, Delivery, Enrollment, StepExecution
from workflows.outbox import ordering
from workflows.registries import actions

__all__ = ["named", "people", "targets"]
pytestmark = pytest.mark.django_db

#: Actions that change no record, so that it takes no right on records to publish them.
HARMLESS = {
    # They steer records, or wait.
    "branch", "value_branch", "random_split", "go_to", "end", "delay", "delay_to_centre", "delay_until_date",
    "delay_until_event", "delay_until_property", "delay_until_time", "delay_until_weekday",
    # They enroll in workflows the person may change (workflows.rights.naming).
    "go_to_workflow", "for_each_associated",
    # They compute, or tell people something.
    "format_data", "send_notification", "send_internal_email", "send_email", "send_internal_marketing_email",
    # They take a right of their own: on connections, or what `permission` says.
    "send_webhook", "send_sms", "send_whatsapp", "ask_ai", "research", "research_company", "summarise_record",
    "custom_code",
}  # fmt: skip
#: What a text, or a formula, of an example names.
NAMED = re.compile(r"contact\.([a-z_]+)")


def texts(part: Any) -> Iterator[str]:
    """Every text of a document's part."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for one in part.values() if isinstance(part, dict) else part:
            yield from texts(one)


def with_text(part: Any, text: str) -> Iterator[Any]:
    """The part with each of its texts that have tokens replaced by another text, one at a time."""
    if isinstance(part, str):
        if "{{" in part:
            yield text
    elif isinstance(part, dict | list):
        for key in part if isinstance(part, dict) else range(len(part)):
            for other in with_text(part[key], text):
                made = copy.copy(part)
                made[key] = other
                yield made


def speaking(slug: str) -> set[str]:
    """The properties of the enrolled contact that the texts of an action's example speak of."""
    params = context_for(slug).step.params
    return {name for text in texts(params) for name in NAMED.findall(text)} & set(object_types["contact"].properties())


SPEAKING = sorted(slug for slug in actions if slug != "go_to" and BLANK in json.dumps(EXAMPLES[slug]))


@pytest.mark.parametrize("slug", sorted(set(actions) - {"go_to"}))
def test_it_says_that_it_reads_what_its_texts_speak_of(slug: str) -> None:
    context = context_for(slug)
    read = actions[slug].reads(context.step.params, context)
    assert {f"contact.{name}" for name in speaking(slug)} <= read


def restricted(slug: str, level: Access) -> User:
    """Somebody with every right on workflows and records, whose group may not do everything with one property."""
    user = person("una", is_staff=True)
    group = Group.objects.create(name="Some")
    grant(group, object_types["contact"], {slug: level}, by=None, now=database_now())
    user.is_superuser = False
    user.groups.add(group)
    return User.objects.get(pk=user.pk)


def forbidden(slug: str, user: User) -> set[str]:
    """The properties, or kinds of records, because of which a person may not publish an action's example."""
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps_for(slug)}
    if slug == "delay_to_centre":
        document["centre"] = {"property": "created_at"}
    found = checking.errors(checking.problems(parsing.parse(document), user=user))
    return {str(problem.value) for problem in found if problem.code == "forbidden" and problem.path}


@pytest.mark.parametrize("slug", SPEAKING)
def test_who_may_not_see_a_property_cannot_publish_it_with_a_text_that_tells_it(slug: str) -> None:
    assert "contact.job_title" in forbidden(slug, restricted("job_title", Access.NONE))


WRITING = ("change_number", "edit_record", "enrich_record", "fill_property", "format_phone", "rotate_owner")


@pytest.mark.parametrize("slug", WRITING)
def test_who_may_only_see_a_property_cannot_publish_it_when_it_writes_that(slug: str) -> None:
    context = context_for(slug)
    written = sorted(actions[slug].writes(context.step.params, context))
    assert written[0] in forbidden(slug, restricted(written[0].partition(".")[2], Access.VIEW))


def test_every_action_that_writes_a_property_of_the_contact_is_looked_at_above() -> None:
    def writes(slug: str) -> bool:
        context = context_for(slug)
        names = {name.partition(".")[2] for name in actions[slug].writes(context.step.params, context)}
        return bool(names & set(object_types["contact"].properties())) and not actions[slug].creates

    found = {slug for slug in EXAMPLES if writes(slug)}
    assert found - {"set_marketing_status", "set_subscription", "assign_conversation"} == set(WRITING)


@pytest.mark.parametrize("slug", sorted(actions))
def test_who_may_not_change_records_by_hand_cannot_publish_what_changes_them(slug: str, people: list[User]) -> None:
    user = person("una", *WORKFLOW_RIGHTS, "crm.view_contact", "crm.view_company", is_staff=True)
    assert bool(forbidden(slug, user)) == (slug not in HARMLESS), (slug, forbidden(slug, user))


@pytest.mark.parametrize("slug", sorted(slug for slug, action in actions.items() if action.permission))
def test_an_action_with_a_right_of_its_own_is_brought_in_by_who_has_it(slug: str) -> None:
    after = {"steps": [{**EXAMPLES[slug], "params": {**EXAMPLES[slug]["params"], "secrets": []}}]}
    with pytest.raises(DocumentError):
        refuse_new({}, after, person("una", *WORKFLOW_RIGHTS))
    refuse_new({}, after, person("eve", *WORKFLOW_RIGHTS, actions[slug].permission))


HOSTILE = (
    "{{ ''.__class__ }}", "{{ contact.__class__ }}", "{{ contact.owner.password }}", "{{ contact.delete }}",
    '{% include "x" %}', "{% for i in (1..9) %}x{% endfor %}", "{{ contact.job_title | safe }}",
    "{{ contact.job_title", "{{" * 500_000,
)  # fmt: skip


@pytest.mark.parametrize(
    "slug", sorted(slug for slug in actions if slug != "go_to" and "{{" in json.dumps(EXAMPLES[slug]))
)
def test_no_text_of_it_is_published_with_a_token_there_must_not_be(slug: str) -> None:
    """Templates of reliability's table, in every place of the step that takes tokens."""
    tried = 0
    for hostile in HOSTILE:
        for params in with_text(EXAMPLES[slug]["params"], hostile):
            document = {"format": 1, "object": "contact", "steps": [{**EXAMPLES[slug], "params": params}]}
            context = context_for(slug)
            context = context.at(parsing.parse(document).by_id["s"])
            found = actions[slug].problems(params, context)
            assert found and all(problem.message for problem in found), hostile[:50]
            assert max(len(str(problem.message)) for problem in found) < 5_000
            tried += 1
    assert tried >= len(HOSTILE)


#: What the model, or the other system, has answered; a step takes what it asked for.
ANSWERED = {
    "status": 200, "body": "{}", "outputs": {"score": 7}, "usage": {"read": 1, "written": 1},
    "values": {
        "mood": "glad", "score": 7, "city": "Oslo", "country": "Norway", "summary": "Fine", "founded": "1987-01-01",
    },
}  # fmt: skip
WAITING_FOR_OTHERS = sorted(slug for slug in WAITING if not slug.startswith("delay"))


def resumed_with_count(slug: str, count: int, people: list[User]) -> int:
    """The queries it takes to take the answers for so many records, all of which go on."""
    made = [one.pk for one in enroll(make_workflow(steps_for(slug)), contacts(count, people))]
    while run_due(NOW, 1_000):
        pass
    waiting = list(Enrollment.objects.filter(pk__in=made, waiting_in="s").values_list("pk", flat=True))
    # Of other records one has none.
    count = len(waiting) if "of" in EXAMPLES[slug]["params"] else count
    assert len(waiting) == count > 2
    if slug == "custom_code":
        CodeRun.objects.filter(pk__in=waiting).update(
            result={"outputs": {"size": "x", "tier": "gold"}, "fault": None}, due_at=None
        )
        Enrollment.objects.filter(pk__in=waiting).update(due_at=NOW)
    else:
        deliveries = Delivery.objects.filter(enrollment_id__in=waiting)
        deliveries.update(state="done", due_at=None, done_at=NOW, answer=ANSWERED)
        ordering.wake(list(deliveries.values_list("pk", flat=True)), NOW)
    prepared.known.clear()
    with CaptureQueriesContext(connection) as captured:
        assert run_due(NOW, 1_000) == count
    lines = StepExecution.objects.filter(enrollment__in=made, step="s", outcome="success")
    assert lines.count() == count
    Contact.objects.all().delete()
    return len(captured)


@pytest.mark.parametrize("slug", WAITING_FOR_OTHERS)
def test_the_answers_for_500_records_need_as_many_queries_as_for_4(slug: str, people: list[User]) -> None:
    few = resumed_with_count(slug, 4, people)
    assert resumed_with_count(slug, 500, people) == few


class Undone(Exception):
    """Raised to take everything back."""


def left_by(made: list[Enrollment], limit: int) -> tuple[list[Any], list[Any]]:
    """What a step leaves with claims of a size: the log, and the contacts; taken back again."""
    found: tuple[list[Any], list[Any]] = ([], [])
    try:
        with transaction.atomic():
            while run_due(NOW, limit):
                pass
            lines = StepExecution.objects.filter(enrollment__in=made, step="s").order_by("enrollment", "id")
            rows = lines.values_list("enrollment", "outcome", "detail")
            found = (
                [(pk, outcome, without_ids(detail)) for pk, outcome, detail in rows],
                list(Contact.objects.order_by("pk").values("pk", "city", "owner", "lead_score", "phone", "deleted_at",
                     "custom", "marketing_status", "country")),
            )  # fmt: skip
            raise Undone
    except Undone:
        return found


#: What is made has other ids each time.
MADE = ("task", "note", "record", "records", "created", "company", "conversations")


def without_ids(detail: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in detail.items() if key not in MADE}


@pytest.mark.parametrize("slug", sorted(actions))
def test_a_batch_leaves_what_its_records_leave_one_by_one(slug: str, people: list[User]) -> None:
    made = enroll(make_workflow(steps_for(slug)), contacts(12, people))
    together, alone = left_by(made, 500), left_by(made, 1)
    assert together == alone and together[0]
