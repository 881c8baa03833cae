"""Real mistakes planted in workflows: the review finds each, in a sentence, with a link to where it is put right."""

from __future__ import annotations

import copy
import datetime as dt
import html
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.demo_workflows import demo_definitions
from crm.models import Deal, EmailTemplate, Stage, SubscriptionType, User
from records.clock import database_now
from records.lists import keeping
from records.models import PropertyDefinition
from records.object_types import object_types
from tests.workflows.publishing_deals import BIG, boss, document, draft, live, publish
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Workflow
from workflows.registries import goals

pytestmark = pytest.mark.django_db
SMALL = {"property": "amount", "operator": "is_less_than", "value": 3}
#: The first filter may re-enroll.
AGAIN = ["any.0.all.0"]
END: dict[str, Any] = {"id": "end", "action": "end", "params": {}}
WAIT = {"id": "wait", "action": "delay", "params": {"days": 2}}
Plant = Callable[[], Workflow]
#: A case for each mistake.
PLANTED: list[Any] = []


def task(title: str = "Call them", step_id: str = "task", **params: Any) -> dict[str, Any]:
    return {"id": step_id, "action": "create_task", "params": {"title": title, "assignee": "owner", **params}}


def edit(step_id: str = "edit", **params: Any) -> dict[str, Any]:
    return {"id": step_id, "action": "edit_record", "params": params}


def stage(operator: str, *values: str) -> dict[str, Any]:
    return {"property": "stage", "operator": operator, "value": list(values)}


def branching(*branches: tuple[str, dict[str, Any] | None], step_id: str = "split") -> dict[str, Any]:
    """A branch for each name; all but the last, which may be without criteria, have a step."""
    ways = [
        {"name": name, "steps": [task(step_id=f"{step_id}-{i}")], **({"criteria": {"all": [found]}} if found else {})}
        for i, (name, found) in enumerate(branches)
    ]
    return {"id": step_id, "action": "branch", "params": {}, "branches": ways}


def rewritten(workflow: Workflow, **parts: Any) -> Workflow:
    """Give the next draft other parts."""
    revision = drafting.draft_of(workflow)
    revision.definition = {**revision.definition, **parts}
    revision.save()
    return workflow


def planted(code: str, words: str, link: str) -> Callable[[Plant], Plant]:
    """Of the function below: the code of the problem it plants, what its sentence says, and where its link leads."""

    def note(plant: Plant) -> Plant:
        PLANTED.append(pytest.param(plant, code, words, link, id=plant.__name__))
        return plant

    return note


@planted("never_reached", "No record comes to this step", "?step=task")
def never_reached() -> Workflow:
    return draft(BIG, steps=[END, task()])


@planted("contradiction", "“Amount is greater than 10” and “Amount is less than 3” at once", "?step=trigger")
def a_contradiction() -> Workflow:
    return draft(BIG, SMALL, steps=[WAIT])


@planted("contradiction", "“Stage is none of Lost or Won” at once", "?step=trigger")
def an_emptied_set() -> Workflow:
    return draft(stage("is_any_of", "won", "lost"), stage("is_none_of", "lost", "won"), steps=[WAIT])


@planted("or_trap", "Every record with any “Stage” meets this", "?step=trigger")
def everybody_by_or() -> Workflow:
    either = {"any": [{"all": [stage("is_none_of", one)]} for one in ("won", "lost")]}
    trigger = {"kind": "filter", "criteria": either}
    return drafting.create("Open", "deal", boss(), document(BIG) | {"trigger": trigger})


@planted("contradiction", "“Name is equal to any of Big” and “Name is equal to", "?step=trigger#tab-door")
def two_values_at_once() -> Workflow:
    names = [{"property": "name", "operator": "is_equal_to_any_of", "value": [name]} for name in ("Big", "Small")]
    return draft(BIG, steps=[task()], goal={"all": names})


@planted("cycle", "“Test” may start one another", "?step=back")
def enrolling_one_another() -> Workflow:
    other = live(BIG, name="Second", steps=[WAIT], reenroll=AGAIN)
    mine = live(BIG, name="First", steps=[WAIT], reenroll=AGAIN)
    back = {"id": "back", "action": "go_to_workflow", "params": {"workflow": str(mine.pk)}}
    rewritten(other, steps=[back])
    publish(other)
    return rewritten(mine, steps=[{**back, "params": {"workflow": str(other.pk)}}])


@planted("cycle", "may start one another again and again", "?step=edit")
def writing_what_the_other_reads() -> Workflow:
    likely = {"property": "probability", "operator": "is_greater_than", "value": 10}
    live(likely, steps=[edit(property="amount", value=99)], reenroll=AGAIN)
    return draft(BIG, steps=[WAIT, edit(property="probability", value=50)], reenroll=AGAIN)


@planted("competing", "Stage is changed differently by other workflows, too: “Test”", "?step=edit")
def competing_writes() -> Workflow:
    live(
        {"property": "amount", "operator": "is_greater_than", "value": 20}, steps=[edit(property="stage", value="won")]
    )
    return draft(BIG, steps=[WAIT, edit(property="stage", value="lost")])


@planted("inactive_user", "“ada” is deactivated", "?step=edit#param_value")
def a_deactivated_owner() -> Workflow:
    User.objects.create_user("ada", is_active=False)
    return draft(BIG, steps=[edit(property="owner", value="ada")])


@planted("invalid", "no active user “bob”", "?step=task#param_assignee")
def a_deactivated_assignee() -> Workflow:
    User.objects.create_user("bob", is_active=False)
    return draft(BIG, steps=[task(assignee="bob")])


@planted("no_consent", "Nothing here asks for consent", "?step=mail#param_subscribed")
def mail_without_consent() -> Workflow:
    news = SubscriptionType.objects.create(slug="news", name="News")
    EmailTemplate.objects.create(name="Welcome", slug="welcome", subject="Hello", type=news, body="<p>Hello</p>")
    found = {"all": [{"property": "email", "operator": "is_known"}]}
    steps = [{"id": "mail", "action": "send_email", "params": {"email": "welcome"}}]
    parts = {"format": 1, "trigger": {"kind": "filter", "criteria": found}, "steps": steps}
    return drafting.create("Mail", "contact", boss(), parts)


@planted("volume", "Up to 6 messages would go out", "?step=tell")
def far_too_much() -> Workflow:
    Deal.objects.bulk_create(Deal(name=str(i), amount=50) for i in range(6))
    send = {"id": "tell", "action": "send_notification", "params": {"title": "A big one", "users": ["boss"]}}
    return draft(BIG, steps=[send])


@planted("volume", "in about 40 days", "?step=_settings")
def a_limit_that_takes_months() -> Workflow:
    Deal.objects.bulk_create(Deal(name=str(i), amount=50) for i in range(40))
    return draft(BIG, steps=[task()], settings={"limit": {"count": 1, "per": "day"}})


@planted("empty_token", "only records without close date", "?step=task#param_title")
def a_token_that_is_always_empty() -> Workflow:
    return draft({"property": "close_date", "operator": "is_unknown"}, steps=[task("Closes {{ deal.close_date }}")])


@planted("invalid", "There is no token “output.made.result”", "?step=other#param_title")
def a_token_of_another_branch() -> Workflow:
    made = {"id": "made", "action": "format_data", "params": {"format": "upper", "value": "name"}}
    split = branching(("Won", stage("is_any_of", "won")), ("Otherwise", None))
    split["branches"][0]["steps"] = [made]
    split["branches"][1]["steps"] = [task("{{ output.made.result }}", "other")]
    return draft(BIG, steps=[split])


@planted("unknown_list", "There is no list 'key-deals'", "?step=trigger")
def a_list_that_is_gone() -> Workflow:
    found = keeping.create(object_types["deal"], "Key deals", now=database_now(), by=boss())
    made = draft({"list": found.slug, "operator": "is_member"}, steps=[WAIT])
    found.delete()
    return made


@planted("invalid", "fit", "?step=edit#param_property")
def a_property_that_is_gone() -> Workflow:
    found = PropertyDefinition.objects.create(object_type="deal", slug="fit", label="Fit", type="text")
    made = draft(BIG, steps=[edit(property="fit", value="good")])
    found.delete()
    return made


@planted("invalid", "engaging", "?step=trigger")
def a_stage_that_is_gone() -> Workflow:
    made = draft(stage("is_any_of", "engaging"), steps=[WAIT])
    Stage.objects.filter(slug="engaging").delete()
    return made


@planted("past", "has passed, so nobody waits here", "?step=until#param_at")
def a_delay_in_the_past() -> Workflow:
    return draft(BIG, steps=[{"id": "until", "action": "delay_until_date", "params": {"at": "2020-05-01T09:00"}}])


@planted("never_fires", "The schedule never fires", "?step=trigger")
def a_schedule_in_the_past() -> Workflow:
    schedule = {"every": "once", "date": "2020-05-01", "at": "09:00"}
    trigger = {"kind": "schedule", "schedule": schedule, "criteria": {"all": [BIG]}}
    return drafting.create("Once", "deal", boss(), document(BIG) | {"trigger": trigger})


@planted("past", "turned off before its schedule fires", "?step=_settings")
def a_schedule_after_the_end() -> Workflow:
    soon = database_now().replace(microsecond=0) + dt.timedelta(days=2)
    schedule = {"every": "once", "date": f"{soon + dt.timedelta(days=5):%Y-%m-%d}", "at": "09:00"}
    trigger = {"kind": "schedule", "schedule": schedule, "criteria": {"all": [BIG]}}
    ends = {"turn_off_at": f"{soon:%Y-%m-%dT%H:%M}"}
    return drafting.create("Once", "deal", boss(), document(BIG, settings=ends) | {"trigger": trigger})


@planted("untaken", "No record takes the branch “Won”: whoever could", "?step=split#param_branch-1-name")
def a_branch_behind_another() -> Workflow:
    wide, narrow = stage("is_any_of", "won", "lost"), stage("is_any_of", "won")
    return draft(BIG, steps=[WAIT, branching(("Closed", wide), ("Won", narrow), ("Otherwise", None))])


@planted("untaken", "“Tiny”: nobody who comes to this step", "?step=split#param_branch-0-name")
def a_branch_the_trigger_rules_out() -> Workflow:
    return draft(BIG, steps=[branching(("Tiny", SMALL), ("Otherwise", None))])


@planted("untaken", "for the branch “Otherwise”", "?step=split#param_branch-2-name")
def nothing_left_for_the_last_branch() -> Workflow:
    known, unknown = ({"property": "owner", "operator": f"is_{word}"} for word in ("known", "unknown"))
    return draft(BIG, steps=[WAIT, branching(("Owned", known), ("Free", unknown), ("Otherwise", None))])


@planted("shut_door", "has met the goal already", "?step=trigger#tab-door")
def a_goal_everybody_has_met() -> Workflow:
    return draft(BIG, steps=[task()], goal={"all": [{"property": "amount", "operator": "is_known"}]})


@planted("shut_door", "which keeps its members out", "?step=trigger#tab-door")
def a_list_that_lets_in_and_keeps_out() -> Workflow:
    found = keeping.create(object_types["deal"], "Key deals", now=database_now(), by=boss())
    return draft({"list": found.slug, "operator": "is_member"}, steps=[task()], suppress=[found.slug])


@planted("empty_token", "only records without close date", "?step=until#param_property")
def a_wait_for_a_date_nobody_has() -> Workflow:
    until = {"id": "until", "action": "delay_until_property", "params": {"property": "close_date"}}
    return draft({"property": "close_date", "operator": "is_unknown"}, steps=[until, task()])


@planted("empty_token", "The step does nothing here: only records without email", "?step=mail#param_email")
def an_email_to_who_has_no_address() -> Workflow:
    news = SubscriptionType.objects.create(slug="news", name="News")
    EmailTemplate.objects.create(name="Welcome", slug="welcome", subject="Hello", type=news, body="<p>Hello</p>")
    steps = [{"id": "mail", "action": "send_email", "params": {"email": "welcome", "subscribed": True}}]
    trigger = {"kind": "filter", "criteria": {"all": [{"property": "email", "operator": "is_unknown"}]}}
    return drafting.create("Mail", "contact", boss(), {"format": 1, "trigger": trigger, "steps": steps})


@planted("past", "turned off before anybody who enters from now on comes here", "?step=task")
def a_wait_longer_than_the_workflow_is_on() -> Workflow:
    soon = database_now() + dt.timedelta(days=3)
    short = {"id": "short", "action": "delay", "params": {"days": 1, "hours": 12}}
    return draft(BIG, steps=[WAIT, short, task()], settings={"turn_off_at": f"{soon:%Y-%m-%dT%H:%M}"})


@planted("overwritten", "lost at once: step 2 sets Stage anew", "?step=edit#param_property")
def a_value_that_is_overwritten_at_once() -> Workflow:
    return draft(BIG, steps=[edit(property="stage", value="won"), edit("other", property="stage", value="lost")])


@planted("own_trigger", "may come back to the start", "?step=edit")
def re_enrolled_by_its_own_step() -> Workflow:
    made = draft(BIG, steps=[edit(property="amount", value=99)])
    return rewritten(made, trigger={**document(BIG)["trigger"], "reenroll": ["any.0.all.0"]})


@pytest.mark.parametrize(("plant", "code", "words", "link"), PLANTED)
def test_each_planted_mistake_is_told_in_a_sentence_with_a_link(
    plant: Plant, code: str, words: str, link: str, settings: Any
) -> None:
    settings.WORKFLOW_REVIEW_VOLUME = 5
    workflow = plant()
    (found,) = publishing.review(workflow, user=boss(), now=database_now()).problems
    assert (found.code, words in found.message) == (code, True), found
    client = Client()
    client.force_login(boss())
    page = client.get(reverse("admin:workflow_review", args=[workflow.pk])).content.decode()
    place = f'<a href="{reverse("admin:workflow_editor", args=[workflow.pk])}{link}">'
    (row,) = [row for row in page.split("<li ") if html.escape(words) in row.split("</li>")[0]]
    assert row.startswith(f'class="notice notice-{"danger" if found.severity == "error" else "warn"}">{place}')
    assert ("disabled" in page.split('id="publish"')[1][:20]) is (found.severity == "error")


def test_a_workflow_without_a_mistake_is_met_with_silence() -> None:
    """Each part of it is close to one of the mistakes."""
    bob = User.objects.create_user("bob", is_active=True)
    live({"property": "amount", "operator": "is_less_than", "value": 10}, steps=[edit(property="stage", value="lost")])
    live(BIG, steps=[edit(property="owner", value="bob"), {
        "id": "more", "action": "change_number", "params": {"property": "probability", "by": 5},
    }])  # fmt: skip
    customers = keeping.create(object_types["deal"], "Customers", now=database_now(), by=boss())
    open_ones = stage("is_none_of", "won", "lost")
    split = branching(("Engaging", stage("is_any_of", "engaging")), ("Won", stage("is_any_of", "won")), ("Rest", None))
    inner = branching(("Sure", {"property": "probability", "operator": "is_greater_than", "value": 80}), ("Not", None),
                      step_id="inner")  # fmt: skip
    split["branches"][0]["steps"] = [inner]
    Deal.objects.bulk_create(Deal(name=str(i), amount=50) for i in range(3))
    workflow = draft(
        BIG, {"property": "amount", "operator": "is_less_than", "value": 1_000}, open_ones,
        goal={"all": [stage("is_any_of", "won")]},
        unenroll={"criteria": {"all": [{"property": "amount", "operator": "is_unknown"}]}},
        suppress=[customers.slug],
        settings={"limit": {"count": 100, "per": "day"}, "turn_off_at": "2090-01-01T09:00"},
        steps=[
            edit(property="owner", value=bob.username),
            {"id": "add", "action": "change_number", "params": {"property": "probability", "by": 5}},
            {"id": "until", "action": "delay_until_date", "params": {"at": "2080-05-01T09:00"}},
            split,
            task('Call about {{ deal.close_date | default: "soon" }}', "last", assignee="bob"),
        ],
    )  # fmt: skip
    assert publishing.review(workflow, user=boss(), now=database_now()).problems == []
    publish(workflow)


@pytest.mark.covers("CPL-03")
@pytest.mark.parametrize(
    ("params", "criteria", "warned"),
    [
        ({"property": "stage", "value": "won"}, BIG, True),
        ({"property": "stage", "clear": True}, BIG, True),
        ({"property": "stage", "value": "lost"}, BIG, False),  # Both want the same.
        ({"property": "owner", "value": "boss"}, BIG, False),
        ({"property": "stage", "value": "won"}, SMALL, False),  # No record meets both triggers.
    ],
)
def test_workflows_that_race_for_a_property_are_told_of_each_other(
    params: dict[str, Any], criteria: dict[str, Any], warned: bool
) -> None:
    boss()
    other = live(criteria, steps=[edit(**params)])
    mine = draft(BIG, steps=[WAIT, edit(property="stage", value="lost")])
    found = publishing.review(mine, user=boss(), now=database_now()).problems
    assert [(problem.code, problem.path) for problem in found] == ([("competing", "steps.1")] if warned else [])
    Workflow.objects.filter(pk=other.pk).update(status="off")
    assert publishing.review(mine, user=boss(), now=database_now()).problems == []


def test_templates_and_demo_workflows_are_met_with_silence(settings: Any) -> None:
    """What is left open in a template is told, and nothing else, also with all the others published beside it."""
    settings.PUBLIC_URL = "https://crm.example.com"
    documents = [goal.definition for goal in goals.values()] + demo_definitions()
    told: set[tuple[str, str]] = set()
    for found in documents:
        made = drafting.create(str(found["name"]), found["object"], boss(), copy.deepcopy(found))
        review = publishing.review(made, user=boss(), now=database_now())
        told |= {(made.name, problem.code) for problem in review.problems if problem.severity == "warning"}
        if review.ready:
            publish(made)
    assert Workflow.objects.filter(status="on").count() >= len(demo_definitions())
    # Formatting a number changes it, which may enroll it once more; then it is formatted already.
    assert told == {("Tidy phone numbers", "own_trigger")}
