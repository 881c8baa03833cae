"""What the CRM's own steps do to records, tasks, notes and people."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter

import pytest
from django.db import connection

from crm.actions.rotate_owner import in_turn
from crm.models import Contact, Deal, Note, Rotation, Task, Team, TeamMembership, Ticket, User
from records.associations import ids_of
from records.models import PropertyDefinition
from records.object_types import object_types
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.models import Notification, StepExecution
from workflows.registries import actions
from workflows.step_forms.params import StepContext


@pytest.fixture
def team(db):
    """Four main members, of whom one is away and one inactive, and an extra one."""
    team = Team.objects.create(name="North", slug="north")
    for name, main, facts in (
        ("amy", True, {}), ("ben", True, {}), ("cy", True, {"away": True}), ("di", True, {"is_active": False}),
        ("eve", False, {}),
    ):  # fmt: skip
        user = User.objects.create(username=name, email=f"{name}@example.com", **facts)
        TeamMembership.objects.create(team=team, user=user, main=main)
    return team


def run(step_document, records, object_type="deal"):
    made = enroll(make_workflow([step_document], object_type), [record.pk for record in records])
    run_due(NOW)
    return made


@pytest.mark.covers("CRM-13", "CRM-14")
def test_each_task_belongs_to_its_own_records_owner_and_is_linked_with_it(team):
    amy, ben = User.objects.get(username="amy"), User.objects.get(username="ben")
    deals = Deal.objects.bulk_create(Deal(name=f"D{i}", owner=[amy, ben, None][i % 3], custom={}) for i in range(9))
    made = run(step("t", "create_task", title="Call {{ deal.name }}", due={"days": 2}, assignee="owner"), deals)
    linked = ids_of(object_types["deal"], [deal.pk for deal in deals], object_types["task"])
    for deal in deals:
        [task_id] = linked[deal.pk]
        task = Task.objects.get(pk=task_id)
        assert (task.title, task.owner_id, task.due_at) == (
            f"Call {deal.name}",
            deal.owner_id,
            NOW + dt.timedelta(days=2),
        )
    assert log_of(made[0]) == [("t", "success")]


@pytest.mark.covers("CRM-16")
def test_a_note_keeps_harmless_tags_and_escapes_values(team):
    [deal] = Deal.objects.bulk_create([Deal(name="<i>x</i><script>alert(1)</script>", custom={})])
    run(step("n", "create_note", body="<b>About</b> {{ deal.name }}<script>alert(2)</script>"), [deal])
    note = Note.objects.get()
    assert note.body.startswith("<b>About</b> &lt;i&gt;") and "<script" not in note.body


@pytest.mark.covers("CPL-14", "CRM-22", "CRM-23", "CRM-24")
def test_rotation_hands_out_evenly_to_those_who_can_take_and_goes_on_where_it_stopped(team):
    document = step("r", "rotate_owner", team="north")
    workflow = make_workflow([document], "deal")
    for count in (5, 1, 3):
        deals = Deal.objects.bulk_create(Deal(name="D", custom={}) for _i in range(count))
        enroll(workflow, [deal.pk for deal in deals])
        run_due(NOW)
    owners = Counter(Deal.objects.values_list("owner__username", flat=True))
    assert set(owners) == {"amy", "ben"} and sorted(owners.values()) == [4, 5]


@pytest.mark.covers("CRM-24")
def test_rotation_can_leave_owned_records_alone_and_says_when_nobody_can_take(team):
    amy = User.objects.get(username="amy")
    deals = Deal.objects.bulk_create([Deal(name="A", owner=amy, custom={}), Deal(name="B", custom={})])
    kept, given = run(step("r", "rotate_owner", users=["ben"], keep_existing=True), deals)
    assert log_of(kept) == [("r", "skipped")] and log_of(given) == [("r", "success")]
    assert list(Deal.objects.order_by("pk").values_list("owner__username", flat=True)) == ["amy", "ben"]
    User.objects.update(away=True)
    [failed] = run(step("r", "rotate_owner", team="north"), [deals[1]])
    assert StepExecution.objects.get(enrollment=failed).detail["reason"] == "nobody_available"


@pytest.mark.covers("CPL-14", "CRM-24")
def test_rotation_passes_over_who_has_as_many_open_tickets_as_they_can(team):
    amy, ben = User.objects.get(username="amy"), User.objects.get(username="ben")
    User.objects.filter(pk=amy.pk).update(ticket_capacity=2)
    Ticket.objects.create(subject="Open", pipeline="support", status="new", owner=amy, custom={})
    Ticket.objects.create(subject="Closed", pipeline="support", status="closed", owner=amy, custom={})
    tickets = Ticket.objects.bulk_create(
        Ticket(subject="T", pipeline="support", status="new", custom={}) for _i in range(5)
    )
    run(step("r", "rotate_owner", team="north"), tickets, "ticket")
    given = Counter(Ticket.objects.filter(subject="T").values_list("owner__username", flat=True))
    assert given == {"amy": 1, "ben": 4}
    User.objects.filter(pk=ben.pk).update(ticket_capacity=6)
    more = Ticket.objects.bulk_create(
        Ticket(subject="M", pipeline="support", status="new", custom={}) for _i in range(3)
    )
    made = run(step("r", "rotate_owner", team="north"), more, "ticket")
    assert [log_of(one)[0][1] for one in made] == ["success", "success", "failed"]
    # Only tickets count, and only for their owner.
    [deal] = Deal.objects.bulk_create([Deal(name="D", custom={})])
    assert log_of(run(step("r", "rotate_owner", users=["ben"]), [deal])[0]) == [("r", "success")]


@pytest.mark.covers("CRM-24")
def test_rotation_can_set_another_property_with_a_user(team):
    PropertyDefinition.objects.create(object_type="deal", slug="advisor", label="Advisor", type="user")
    amy, ben = User.objects.get(username="amy"), User.objects.get(username="ben")
    deals = Deal.objects.bulk_create(Deal(name="D", owner=amy, custom={}) for _i in range(2))
    [made, _other] = run(step("r", "rotate_owner", team="north", property="advisor"), deals)
    assert sorted(Deal.objects.values_list("owner", "custom__advisor")) == [(amy.pk, amy.pk), (amy.pk, ben.pk)]
    context = StepContext(parse(made.revision.definition))
    told = actions["rotate_owner"].tell(StepExecution.objects.get(enrollment=made).detail, "success", context)
    assert told == "Set Advisor to amy"


@pytest.mark.covers("CRM-31")
def test_records_are_assigned_to_one_user_by_setting_the_owner(team):
    deals = Deal.objects.bulk_create(Deal(name="D", custom={}) for _i in range(2))
    run(step("e", "edit_record", property="owner", value="ben"), deals)
    assert set(Deal.objects.values_list("owner__username", flat=True)) == {"ben"}


@pytest.mark.django_db(transaction=True)
def test_rotation_is_even_when_eight_workers_ask_at_once():
    users = sorted(User.objects.create(username=f"u{i}").pk for i in range(3))
    given: list[int] = []

    def ask():
        from django.db import transaction

        try:
            for _time in range(5):
                with transaction.atomic():
                    given.extend(in_turn(1, "r", users, 2))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = Counter(given)
    assert sum(counts.values()) == 80 and max(counts.values()) - min(counts.values()) <= 1
    assert Rotation.objects.count() == 1


@pytest.mark.covers("COM-07", "COM-08")
def test_a_notification_reaches_main_members_and_the_owner_once_each(team):
    eve = User.objects.get(username="eve")
    deals = Deal.objects.bulk_create([Deal(name="A", owner=eve, custom={}), Deal(name="B", custom={})])
    document = step("s", "send_notification", users=["owner", "amy"], teams=["north"], title="Look at {{ deal.name }}")
    run(document, deals)
    found = Counter(Notification.objects.values_list("title", "user__username"))
    # Who is away is told all the same; who is inactive or an extra member is not.
    expected = [("Look at A", n) for n in ("amy", "ben", "cy", "eve")] + [
        ("Look at B", n) for n in ("amy", "ben", "cy")
    ]
    assert found == dict.fromkeys(expected, 1)


@pytest.mark.covers("CRM-01", "CRM-03", "CRM-05", "CRM-09")
@pytest.mark.parametrize(
    ("params", "outcome", "after"),
    [
        ({"property": "job_title", "value": "Chef {{ contact.city }}"}, "success", "Chef Malmö"),
        ({"property": "job_title", "copy_from": "city"}, "success", "Malmö"),
        ({"property": "job_title", "copy_from": "lead_score"}, "success", "7"),
        ({"property": "job_title", "clear": True}, "success", ""),
        ({"property": "job_title", "value": "Cook"}, "skipped", "Cook"),
        ({"property": "job_title", "copy_from": "first_name"}, "success", ""),
    ],
)
@pytest.mark.django_db
def test_a_property_is_set_copied_filled_from_tokens_or_cleared(params, outcome, after):
    contact = Contact.objects.create(email="a@example.com", city="Malmö", lead_score=7, job_title="Cook")
    [made] = run(step("e", "edit_record", **params), [contact], "contact")
    contact.refresh_from_db()
    assert contact.job_title == after
    assert log_of(made) == [("e", outcome)]


@pytest.mark.covers("CRM-09")
@pytest.mark.django_db
def test_what_cannot_be_copied_fails_for_that_record_alone_with_a_sentence():
    good = Contact.objects.create(email="a@example.com", city="Lead")
    bad = Contact.objects.create(email="b@example.com", city="Nowhere stage")
    document = step("e", "edit_record", property="lifecycle_stage", value="{{ contact.city }}")
    enrolled = run(document, [good, bad], "contact")
    assert [log_of(one) for one in enrolled] == [[("e", "success")], [("e", "failed")]]
    good.refresh_from_db()
    assert good.lifecycle_stage == "lead"
    detail = StepExecution.objects.get(enrollment=enrolled[1]).detail
    assert "Nowhere stage" in detail["error"]
