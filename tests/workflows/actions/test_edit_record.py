"""Edit record: adding to options, moments counted from now, and associated records by the label of their link."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.models import Contact, Deal
from records.associations import associate
from records.models import PropertyDefinition
from tests.workflows.building import NOW, Outcome, enroll, make_workflow, step
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.models import StepExecution
from workflows.registries import actions
from workflows.step_forms.params import StepContext
from workflows.times.relative import moment_of

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def context_of(**params: Any) -> StepContext:
    steps = [step("s", "edit_record", **params)]
    found = parse({"format": 1, "name": "X", "object": "contact", "trigger": {"kind": "manual"}, "steps": steps})
    return StepContext(found, found.by_id["s"])


def problems(**params: Any) -> dict[str, str]:
    found = checking.errors(checking.problems(context_of(**params).definition))
    return {one.path.removeprefix("steps.0.params."): str(one.message) for one in found}


def described(**params: Any) -> str:
    return actions["edit_record"].describe(params, context_of(**params))


def run(*records: Any, settings: dict[str, Any] | None = None, **params: Any) -> list[StepExecution]:
    made = enroll(make_workflow([step("s", "edit_record", **params)], **(settings or {})), [one.pk for one in records])
    run_due(NOW)
    return list(StepExecution.objects.filter(enrollment__in=made).order_by("enrollment"))


def interests() -> None:
    options = [{"value": one, "label": one.title()} for one in ("red", "green", "blue")]
    for slug in ("interests", "wishes"):
        PropertyDefinition.objects.create(
            object_type="contact", slug=slug, label=slug.title(), type="multi_select", options=options
        )


def day(slug: str, kind: str) -> None:
    PropertyDefinition.objects.create(object_type="contact", slug=slug, label=slug.title(), type=kind)


@pytest.mark.django_db
@pytest.mark.covers("CRM-02")
def test_options_are_added_to_those_that_are_chosen() -> None:
    interests()
    chosen = [{"interests": ["green"]}, {}, {"interests": ["red", "blue"]}]
    people = [Contact.objects.create(custom=custom) for custom in chosen]
    lines = run(*people, property="interests", value=["blue", "red"], append=True)
    found = [one.custom.get("interests") for one in Contact.objects.order_by("pk")]
    assert found == [["green", "blue", "red"], ["blue", "red"], ["red", "blue"]]
    assert [line.outcome for line in lines] == [Outcome.SUCCESS, Outcome.SUCCESS, Outcome.SKIPPED]
    assert described(property="interests", value=["blue"], append=True) == "Add Blue to Interests"


@pytest.mark.django_db
@pytest.mark.covers("CRM-02", "CRM-06")
def test_copied_options_are_added_to_those_of_records_associated_by_a_label() -> None:
    interests()
    ann = Contact.objects.create(custom={"wishes": ["red"]})
    friend, other = Contact.objects.create(custom={"interests": ["blue"]}), Contact.objects.create()
    associate("contact", "contact", [(ann.pk, friend.pk)], "friend")
    associate("contact", "contact", [(ann.pk, other.pk)])
    [line] = run(ann, property="interests", copy_from="wishes", append=True, of="contact", label="friend")
    friend.refresh_from_db()
    other.refresh_from_db()
    assert (friend.custom["interests"], other.custom) == (["blue", "red"], {})
    assert line.detail["records"] == 1


@pytest.mark.django_db
@pytest.mark.covers("CRM-06")
def test_without_a_label_every_associated_record_is_changed_and_with_one_only_those_linked_so() -> None:
    ann = Contact.objects.create()
    one, two = Deal.objects.create(name="One"), Deal.objects.create(name="Two")
    associate("contact", "deal", [(ann.pk, one.pk), (ann.pk, two.pk)])
    associate("contact", "deal", [(ann.pk, two.pk)], "renewal")
    run(ann, property="name", value="Both", of="deal")
    assert list(Deal.objects.values_list("name", flat=True)) == ["Both", "Both"]
    run(ann, property="name", value="Renewal", of="deal", label="renewal")
    assert dict(Deal.objects.values_list("pk", "name")) == {one.pk: "Both", two.pk: "Renewal"}


@pytest.mark.django_db
@pytest.mark.covers("CRM-07")
def test_a_date_and_a_datetime_are_set_to_the_moment_the_step_runs_by_the_clocks_of_the_workflow() -> None:
    day("seen", "datetime")
    day("seen_on", "date")
    ann = Contact.objects.create()
    run(ann, property="seen", moment={"when": "now"})
    run(ann, property="seen_on", moment={"when": "now"}, settings={"timezone": "Pacific/Kiritimati"})
    ann.refresh_from_db()
    assert dt.datetime.fromisoformat(ann.custom["seen"]) == NOW
    assert ann.custom["seen_on"] == "2026-11-23"
    assert described(property="seen", moment={"when": "now"}) == "Set Seen to the moment the step runs"


@pytest.mark.django_db
@pytest.mark.covers("CRM-08")
def test_a_date_is_set_so_long_from_now_on_a_weekday_at_a_time() -> None:
    day("due", "datetime")
    ann = Contact.objects.create()
    moment = {"when": "after", "amount": 5, "unit": "days", "weekdays": ["mon", "tue"], "at": "08:30"}
    run(ann, property="due", moment=moment, settings={"timezone": "Europe/Stockholm"})
    ann.refresh_from_db()
    # NOW is a Monday: five days later it is Saturday, and the next of these days a Monday.
    assert dt.datetime.fromisoformat(ann.custom["due"]) == dt.datetime(2026, 11, 30, 8, 30, tzinfo=STOCKHOLM)
    sentence = "Set Due to 5 days after the step runs, on the next Monday, Tuesday, at 08:30"
    assert described(property="due", moment=moment) == sentence


@pytest.mark.covers("CRM-08")
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"when": "after", "amount": 90, "unit": "minutes"}, "2027-01-31 11:30"),
        ({"when": "before", "amount": 2, "unit": "weeks"}, "2027-01-17 10:00"),
        ({"when": "after", "amount": 1, "unit": "months"}, "2027-02-28 10:00"),
        ({"when": "before", "amount": 11, "unit": "months"}, "2026-02-28 10:00"),
        ({"when": "after", "amount": 1, "unit": "years", "at": "00:00"}, "2028-01-31 00:00"),
        # The clocks go forward on March 28: the time of day stays.
        ({"when": "after", "amount": 60, "unit": "days"}, "2027-04-01 10:00"),
        ({"when": "now", "weekdays": ["sun"], "at": "09:00"}, "2027-01-31 09:00"),
        ({"when": "now", "weekdays": ["sat"]}, "2027-02-06 10:00"),
    ],
)
def test_moments_are_counted_on_the_clocks_of_a_zone(document: dict[str, Any], expected: str) -> None:
    now = dt.datetime(2027, 1, 31, 10, tzinfo=STOCKHOLM)
    found = moment_of(document, now, STOCKHOLM)
    assert f"{found.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}" == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("params", "field", "says"),
    [
        ({"property": "city", "moment": {"when": "now"}}, "moment", "is no date, so it cannot"),
        ({"property": "city", "value": "Lund", "append": True}, "append", "holds one value"),
        ({"property": "interests", "clear": True, "append": True}, "append", "nothing to add"),
        ({"property": "due", "moment": {"when": "soon"}}, "moment", "is no moment. Write it like"),
        ({"property": "due", "moment": {"when": "now", "amount": 3, "unit": "days"}}, "moment", "Leave it out"),
        ({"property": "due", "moment": {"when": "after", "amount": 3}}, "moment", "no unit of time. Use one of"),
        ({"property": "due", "moment": {"when": "after", "amount": 9_999, "unit": "days"}}, "moment", "0 to 3650"),
        ({"property": "due", "moment": {"when": "after", "amount": 1, "unit": "days", "at": "9"}}, "moment", "09:00"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_remedy(params: dict[str, Any], field: str, says: str) -> None:
    interests()
    day("due", "date")
    found = problems(**params)
    assert list(found) == [field]
    assert says in found[field]
