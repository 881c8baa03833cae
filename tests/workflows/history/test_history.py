"""The story of an enrollment, the list of enrollments, and taking records out by hand."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.utils.html import strip_tags

from crm.models import Contact, Deal, User
from records.associations import associate
from records.clock import database_now
from records.happening import Occurrence, happen
from records.lists import keeping
from records.models import Change
from records.object_types import object_types
from tests import plans as explained
from tests.workflows.building import enroll, make_workflow, step
from workflows.engine import taking_steps
from workflows.history import enrollments as history
from workflows.history.telling import Path, path_of, place_of
from workflows.intake import dispatching
from workflows.lifecycle import publishing
from workflows.models import Delivery, Enrollment, Outcome, Revision, StepExecution, Workflow

pytestmark = pytest.mark.django_db
LIST = "/admin/workflows/enrollment/"
FILTER = {"property": "job_title", "operator": "is_equal_to_any_of", "value": ["Buyer"]}


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser("ann", password="pw", first_name="Ann", last_name="Berg")


@pytest.fixture
def contact() -> Contact:
    return Contact.objects.create(email="bo@example.com", first_name="Bo", last_name="Lind", job_title="Clerk")


def run() -> None:
    while dispatching.dispatch(database_now()):
        pass
    while taking_steps.run_due(database_now()):
        pass


def story(enrollment: Enrollment) -> list[tuple[str, str]]:
    enrollment.refresh_from_db()
    return [(line.label, strip_tags(line.sentence)) for line in path_of(enrollment)]


@pytest.mark.covers("HIS-05")
def test_the_story_says_what_changed_what_was_done_and_what_it_waits_for(ann: User, contact: Contact) -> None:
    steps = [step("title", "edit_record", property="city", value="Oslo"), step("wait", "delay", days=2)]
    trigger = {"kind": "filter", "criteria": {"any": [{"all": [FILTER]}]}}
    document = {"format": 1, "name": "Test", "object": "contact", "trigger": trigger, "steps": steps}
    workflow = Workflow.objects.create(name="Test", object_type="contact", created_by=ann)
    Revision.objects.create(workflow=workflow, number=1, definition=document)
    publishing.publish(workflow, by=ann, now=database_now(), enroll_existing=False)
    run()
    Contact.objects.filter(pk=contact.pk).update(job_title="Buyer")
    run()
    enrollment = Enrollment.objects.get()
    (began, edited, waits) = story(enrollment)
    assert began == (
        "Enrolled",
        "It started to match: Job title is equal to any of Buyer. Job title was Clerk, now Buyer.",
    )
    assert edited[0] == "Edit record"
    assert "Oslo" in edited[1]
    assert waits[0] == "Delay for a set amount of time"
    number, setting = place_of(enrollment)
    assert (number, setting) == (2, "Wait 2 days")


def test_the_story_names_who_enrolled_and_who_took_it_out(ann: User, contact: Contact, client: Any) -> None:
    workflow = make_workflow([step("wait", "delay", days=2)])
    (enrollment,) = enroll(workflow, [contact.pk], actor=ann.pk)
    client.force_login(ann)
    answer = client.post(LIST + "unenroll/", {"enrollment": enrollment.pk, "confirmed": "yes"})
    assert answer.status_code == 302
    lines = story(enrollment)
    assert lines[0] == ("Enrolled", "Ann Berg enrolled it by hand.")
    assert lines[-1] == ("Left the workflow", "Ann Berg took it out by hand.")


def test_a_line_of_an_action_that_is_gone_still_tells_something(contact: Contact) -> None:
    workflow = make_workflow([step("end", "end")])
    (enrollment,) = enroll(workflow, [contact.pk])
    facts = {"revision_id": workflow.live_id, "visit": 0, "at": database_now(), "outcome": Outcome.FAILED}
    StepExecution.objects.create(enrollment=enrollment, step="old", action="vanished", **facts)
    StepExecution.objects.create(enrollment=enrollment, step="x", action="", detail={"reason": "step_gone"}, **facts)
    assert story(enrollment)[1:] == [
        ("vanished", "The action “vanished” is no longer installed."),
        ("Missing step", "The step no longer exists."),
    ]


def test_what_a_person_typed_is_never_markup_in_the_story(ann: User, client: Any) -> None:
    evil = Contact.objects.create(email="e@example.com", first_name="<script>alert(1)</script>")
    workflow = make_workflow([step("title", "edit_record", property="city", value="<b>Oslo</b>")])
    (enrollment,) = enroll(workflow, [evil.pk])
    run()
    client.force_login(ann)
    page = client.get(f"{LIST}{enrollment.pk}/change/").content.decode()
    assert "<script>alert(1)" not in page
    assert "<b>Oslo</b>" not in page


def test_the_list_is_filtered_by_status_record_and_name(ann: User, client: Any) -> None:
    contacts = Contact.objects.bulk_create(Contact(email=f"{i}@example.com") for i in range(4))
    workflow = make_workflow([step("wait", "delay", days=2)])
    rows = enroll(workflow, [contact.pk for contact in contacts])
    Enrollment.objects.filter(pk=rows[0].pk).update(status="completed", ended_reason="completed")
    client.force_login(ann)

    def found(query: str) -> list[int]:
        page = client.get(f"{LIST}?workflow__id__exact={workflow.pk}&{query}")
        assert page.status_code == 200
        return [row.enrollment.pk for row in page.context["rows"]]

    assert found("") == [row.pk for row in reversed(rows)]
    assert found("status__exact=completed") == [rows[0].pk]
    assert found(f"record={contacts[2].pk}") == [rows[2].pk]
    assert found("q=3@exam") == [rows[3].pk]
    assert found("status__exact=nonsense") == found("record=x") == []
    assert client.get(f"{LIST}?workflow__id__exact=abc").context["rows"] == []


@pytest.mark.usefixtures("trouble_asked_once")
def test_the_list_pages_by_key_with_the_same_few_queries_however_long(
    ann: User, client: Any, django_assert_max_num_queries: Any
) -> None:
    contacts = Contact.objects.bulk_create(Contact(email=f"{i}@example.com") for i in range(120))
    workflow = make_workflow([step("wait", "delay", days=2)])
    enroll(workflow, [contact.pk for contact in contacts])
    client.force_login(ann)
    seen: list[int] = []
    query = f"?workflow__id__exact={workflow.pk}"
    # What a process asks once and keeps.
    client.get(LIST + query)
    while query:
        with django_assert_max_num_queries(14):
            page = client.get(LIST + query)
        seen += [row.enrollment.record_id for row in page.context["rows"]]
        query = page.context["listing"].older
    assert seen == [contact.pk for contact in reversed(contacts)]


def test_unenrolling_asks_first_and_needs_the_right_to(ann: User, contact: Contact, client: Any) -> None:
    workflow = make_workflow([step("wait", "delay", days=2)])
    (enrollment,) = enroll(workflow, [contact.pk])
    client.force_login(ann)
    page = client.post(LIST + "unenroll/", {"enrollment": enrollment.pk}).content.decode()
    assert "1 record leaves its workflow now" in page
    enrollment.refresh_from_db()
    assert enrollment.status == "active"
    client.force_login(User.objects.create_user("clerk", password="pw", is_staff=True))
    assert client.post(LIST + "unenroll/", {"enrollment": enrollment.pk, "confirmed": "yes"}).status_code == 403
    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}{enrollment.pk}/change/").status_code == 403


def test_unenrolling_never_leads_to_another_site(ann: User, contact: Contact, client: Any) -> None:
    workflow = make_workflow([step("wait", "delay", days=2)])
    (enrollment,) = enroll(workflow, [contact.pk])
    client.force_login(ann)
    form = {"enrollment": enrollment.pk, "confirmed": "yes", "back": "https://evil.example/"}
    assert client.post(LIST + "unenroll/", form)["Location"] == LIST


@pytest.mark.detail(22)
@pytest.mark.covers("HIS-06")
def test_diagnose_finds_a_record_by_name_and_shows_each_filter(ann: User, contact: Contact, client: Any) -> None:
    trigger = {"kind": "filter", "criteria": {"any": [{"all": [FILTER]}]}}
    document = {"format": 1, "name": "Test", "object": "contact", "trigger": trigger, "steps": [step("end", "end")]}
    workflow = Workflow.objects.create(name="Test", object_type="contact", created_by=ann)
    Revision.objects.create(workflow=workflow, number=1, definition=document)
    publishing.publish(workflow, by=ann, now=database_now(), enroll_existing=False)
    client.force_login(ann)
    url = f"{LIST}diagnose/{workflow.pk}/"
    assert f"?record={contact.pk}" in client.get(url, {"q": "bo@"}).content.decode()
    page = client.get(url, {"record": contact.pk}).content.decode()
    assert "The record does not meet the criteria." in page
    assert "Not met:" in page
    assert "Clerk" in page


def test_diagnose_is_refused_to_those_who_may_not_view_the_records(contact: Contact, client: Any) -> None:
    from django.contrib.auth.models import Permission

    workflow = make_workflow([step("end", "end")])
    user = User.objects.create_user("clerk", password="pw", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_enrollment"))
    client.force_login(user)
    assert client.get(f"{LIST}diagnose/{workflow.pk}/?record={contact.pk}").status_code == 403


def test_deliveries_that_were_given_up_can_be_retried_skipped_or_marked(ann: User, client: Any) -> None:
    now = database_now()
    rows = [
        Delivery.objects.create(key=str(i), kind="email", request={}, state=state, attempts=5, created_at=now)
        for i, state in enumerate(["dead", "uncertain", "dead", "done"])
    ]
    client.force_login(ann)
    for action, row in (("retry", rows[0]), ("mark_sent", rows[1]), ("skip", rows[2]), ("retry", rows[3])):
        form = {"action": action, "_selected_action": row.pk}
        assert client.post("/admin/workflows/delivery/", form).status_code == 302
    assert [row.state for row in Delivery.objects.order_by("id")] == ["pending", "done", "skipped", "done"]
    assert Delivery.objects.get(pk=rows[0].pk).attempts == 0


def test_a_record_that_came_by_an_event_and_a_list_is_told_no_change_of_another(contact: Contact) -> None:
    seen = {"event": "page_viewed", "operator": "has_occurred"}
    found = keeping.create(object_types["contact"], "Seen", now=database_now(), criteria={"all": [seen]})
    member = {"list": found.slug, "operator": "is_member"}
    trigger = {"kind": "filter", "criteria": {"all": [member]}}
    document = {
        "format": 1,
        "name": "Test",
        "object": "contact",
        "trigger": trigger,
        "steps": [step("end", "delay", days=2)],
    }
    workflow = Workflow.objects.create(name="Test", object_type="contact")
    Revision.objects.create(workflow=workflow, number=1, definition=document)
    publishing.publish(workflow, by=User.objects.create_superuser("boss"), now=database_now(), enroll_existing=False)
    run()
    happen("page_viewed", "contact", [Occurrence(contact.pk, {"url": "example.com"})], now=database_now())
    run()
    enrollment = Enrollment.objects.get()
    assert not enrollment.cause.get("change")
    assert next(said for _label, said in story(enrollment)).startswith("It started to match: ")


def test_the_story_tells_only_changes_of_the_record_and_of_those_it_is_associated_with(contact: Contact) -> None:
    (enrollment,) = enroll(make_workflow([step("wait", "delay", days=2)]), [contact.pk])
    other, deal = Contact.objects.create(email="eva@example.com"), Deal.objects.create(name="Pumps", amount=5)
    for record in (contact, other, deal):
        type(record).objects.filter(pk=record.pk).update(owner=User.objects.create(username=f"owner of {record.pk}"))
    path = path_of_changes(enrollment)
    assert path(contact, "contact") and not path(other, "contact") and not path(deal, "deal")
    associate("contact", "deal", [(contact.pk, deal.pk)])
    assert path(deal, "deal") and not path(other, "contact")


def path_of_changes(enrollment: Enrollment) -> Any:
    """What the story says of the last update of a record."""

    def said(record: Any, slug: str) -> str:
        change = Change.objects.filter(object_type=slug, record_id=record.pk, kind="updated").latest("id")
        return str(Path(enrollment).change_sentence(change.pk))

    return said


def test_all_that_match_the_filters_leave_after_it_was_said_how_many(ann: User, client: Any) -> None:
    contacts = Contact.objects.bulk_create(Contact(email=f"{i}@example.com") for i in range(60))
    steps = [step("wait", "delay", days=2), step("later", "delay", days=2)]
    workflow, other = make_workflow(steps), make_workflow(steps)
    ids = [contact.pk for contact in contacts]
    enroll(workflow, ids[:50])
    enroll(workflow, ids[50:], at="later")
    enroll(other, ids)
    client.force_login(ann)
    query = f"workflow__id__exact={workflow.pk}&step=wait"
    assert "Take out all that match…" in client.get(f"{LIST}?{query}").content.decode()
    asked = client.post(LIST + "unenroll/", {"all": "yes", "matching": query}).content.decode()
    assert "50 records leave their workflows now" in asked and "and 30 more" in asked
    assert Enrollment.objects.filter(status="active").count() == 120, "nothing has happened yet"
    client.post(LIST + "unenroll/", {"all": "yes", "matching": query, "confirmed": "yes"})
    left = Enrollment.objects.filter(status="active").values_list("workflow", "step").distinct()
    assert set(left) == {(workflow.pk, "later"), (other.pk, "wait")}
    for refused in ("", "step=wait", "workflow__id__exact=0", f"{query}&q=5"):
        client.post(LIST + "unenroll/", {"all": "yes", "matching": refused, "confirmed": "yes"})
    assert Enrollment.objects.filter(status="active").count() == 70


def test_who_is_enrolled_after_it_was_said_how_many_leave_stays(ann: User, client: Any) -> None:
    workflow = make_workflow([step("wait", "delay", days=2)])
    contacts = Contact.objects.bulk_create(Contact(email=f"{i}@example.com") for i in range(5))
    counted, later = [contact.pk for contact in contacts[:3]], [contact.pk for contact in contacts[3:]]
    enroll(workflow, counted)
    client.force_login(ann)
    form = {"all": "yes", "matching": f"workflow__id__exact={workflow.pk}"}
    asked = client.post(LIST + "unenroll/", form).content.decode()
    (upto,) = re.findall(r'name="upto" value="(\d+)"', asked)
    enroll(workflow, later)
    client.post(LIST + "unenroll/", {**form, "upto": upto, "confirmed": "yes"})
    assert set(Enrollment.objects.filter(status="active").values_list("record_id", flat=True)) == set(later)


def many(workflow: Workflow, statuses: list[str]) -> list[Enrollment]:
    """An enrollment in each status, the oldest first, an hour apart."""
    now = database_now()
    return Enrollment.objects.bulk_create(
        Enrollment(
            workflow=workflow, revision=workflow.live, record_id=number, status=status,
            step="wait" if status == "active" else "", enrolled_at=now - dt.timedelta(hours=len(statuses) - number),
        )
        for number, status in enumerate(statuses)
    )  # fmt: skip


@pytest.mark.covers("HIS-09")
@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("status__exact=failed", 60), ("status__exact=unenrolled", 60), ("status__exact=refused", 60),
        # In so small a table PostgreSQL reads the few newest by the table itself.
        ("status__exact=active", None), ("step=wait", None), ("status__exact=active&step=wait", None),
        ("enrolled=day", None), ("enrolled=hour&status__exact=completed", None),
    ],
)  # fmt: skip
def test_the_rare_are_found_among_thousands_without_looking_through_them(
    ann: User, client: Any, monkeypatch: pytest.MonkeyPatch, query: str, most: int | None
) -> None:
    """Three of each of the rare at the beginning, then a thousand that completed."""
    monkeypatch.setattr(history, "LOOKS", (10, 20, 5_000))
    rare = ["failed", "unenrolled", "refused", "active"] * 3
    workflow = make_workflow([step("wait", "delay", days=2)])
    made = many(workflow, [*rare, *["completed"] * 1_000])
    many(make_workflow([step("wait", "delay", days=2)]), ["completed"] * 2_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_enrollment")
    client.force_login(ann)
    plans: list[dict[str, Any]] = []
    with connection.execute_wrapper(explained.keeping(plans, "SELECT")):
        page = client.get(f"{LIST}?workflow__id__exact={workflow.pk}&{query}")
    found = [row.enrollment.pk for row in page.context["rows"]]
    if query.startswith("enrolled"):
        hours = 24 if "day" in query else 1
        assert len(found) in (hours - 1, hours, hours + 1) and not page.context["listing"].older
    else:
        status = "active" if "step" in query else query.partition("=")[2]
        assert found == [one.pk for one in reversed(made) if one.status == status]
    looked = sum(explained.looked_at(plan, "workflows_enrollment") for plan in plans)
    assert most is None or looked <= most, looked


def test_too_many_to_be_put_in_order_are_looked_for_further_back(
    ann: User, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("LOOKS", (3, 5, 10)), ("AMONG", 4)):
        monkeypatch.setattr(history, name, value)
    workflow = make_workflow([step("wait", "delay", days=2)])
    made = many(workflow, [*["active"] * 5, *["completed"] * 20])
    client.force_login(ann)
    seen: list[int] = []
    query = f"?workflow__id__exact={workflow.pk}&status__exact=active"
    for _page in range(20):
        page = client.get(LIST + query)
        seen += [row.enrollment.pk for row in page.context["rows"]]
        query = page.context["listing"].older
        if not query:
            break
    assert seen == [one.pk for one in reversed(made[:5])] and not query
