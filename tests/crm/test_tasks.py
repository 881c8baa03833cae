"""Tasks that workflows make: when they are due, who is reminded, what they are linked with; and pinned notes."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from django.urls import reverse

from crm.models import Company, Contact, Note, Task, TaskQueue, User
from crm.tasks.reminders import remind, waiting_since
from crm.tasks.timing import due_at
from records.associations import associate, ids_of
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.models import Notification, StepExecution

STOCKHOLM = zoneinfo.ZoneInfo("Europe/Stockholm")
FRIDAY = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)


def run(document, records, object_type="contact", **settings):
    made = enroll(make_workflow([document], object_type, **settings), [record.pk for record in records])
    run_due(NOW)
    return made


@pytest.mark.covers("CRM-14")
@pytest.mark.parametrize(
    ("now", "amount", "at", "workdays", "expected"),
    [
        (FRIDAY, {"days": 2}, None, False, "2026-11-22 16:30"),
        (FRIDAY, {"days": 2}, dt.time(9), False, "2026-11-22 09:00"),
        (FRIDAY, {"days": 1}, None, True, "2026-11-23 16:30"),
        (FRIDAY, {"days": 5}, dt.time(9), True, "2026-11-27 09:00"),
        (FRIDAY, {"days": 7, "hours": 1}, None, True, "2026-12-01 17:30"),
        # Eight hours from Friday afternoon is Saturday: it waits for Monday.
        (FRIDAY, {"hours": 8}, None, True, "2026-11-23 00:30"),
        # From a weekend five workdays are the Friday after it, however far into the weekend it is.
        (FRIDAY + dt.timedelta(days=1), {"days": 5}, None, True, "2026-11-27 16:30"),
        (FRIDAY + dt.timedelta(days=2), {"days": 5}, None, True, "2026-11-27 16:30"),
        # Nine is past on the day itself, so it is the next day; with workdays the next of these.
        (FRIDAY, {"days": 0}, dt.time(9), False, "2026-11-21 09:00"),
        (FRIDAY, {"days": 0}, dt.time(9), True, "2026-11-23 09:00"),
        (FRIDAY, {"days": 0}, dt.time(17), True, "2026-11-20 17:00"),
        # A day is a day on the wall when the clocks change, on the night before March 29.
        (dt.datetime(2026, 3, 28, 9, 0, tzinfo=dt.UTC), {"days": 1}, None, False, "2026-03-29 10:00"),
    ],
)
def test_a_task_is_due_days_later_on_the_wall_at_a_time_and_on_workdays(now, amount, at, workdays, expected):
    found = due_at(now, amount, at, workdays=workdays, zone=STOCKHOLM)
    assert f"{found.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}" == expected


def test_a_task_is_never_due_beyond_the_end_of_the_calendar():
    assert due_at(FRIDAY, {"days": 5_000_000, "hours": 5_000_000}, dt.time(9), workdays=True, zone=dt.UTC).year == 9999


@pytest.mark.covers("CRM-13", "CRM-14")
@pytest.mark.django_db
def test_a_task_has_all_that_the_step_says_and_is_linked_with_the_contacts_company_too():
    TaskQueue.objects.create(slug="inbound", name="Inbound calls")
    User.objects.create(username="amy")
    contact, company = Contact.objects.create(email="a@example.com"), Company.objects.create(name="Acme")
    associate("contact", "company", [(contact.pk, company.pk)])
    document = step(
        "t", "create_task", title="Call {{ contact.email }}", kind="call", priority="high", queue="inbound",
        assignee="amy", due={"days": 1}, at="14:00", reminder={"hours": 1}, associate=["company"], body="Now",
    )  # fmt: skip
    [made] = run(document, [contact], timezone="Europe/Stockholm")
    task = Task.objects.get()
    assert (task.title, task.kind, task.priority, task.queue, task.owner.username, task.body) == (
        "Call a@example.com", "call", "high", "inbound", "amy", "Now"
    )  # fmt: skip
    assert task.due_at == dt.datetime(2026, 11, 24, 13, tzinfo=dt.UTC)
    assert task.due_at - task.remind_at == dt.timedelta(hours=1)
    for kind, record in (("contact", contact), ("company", company)):
        assert ids_of("task", [task.pk], kind) == {task.pk: [record.pk]}
    assert StepExecution.objects.get(enrollment=made).detail["remind"] == task.remind_at.isoformat()


@pytest.mark.django_db
def test_settings_that_speak_of_a_due_date_need_one_and_unknown_queues_are_named():
    steps = [step("t", "create_task", title="Call", at="09:00", reminder={"hours": 1}, queue="gone", associate=["x"])]
    document = {"format": 1, "name": "W", "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    found = {problem.path: str(problem.message) for problem in checking.problems(parse(document))}
    assert "due" in found["steps.0.params.at"] and "due" in found["steps.0.params.reminder"]
    assert "gone" in found["steps.0.params.queue"] and "company" in found["steps.0.params.associate"]


@pytest.mark.covers("CRM-14")
@pytest.mark.django_db
def test_the_owner_of_an_open_task_is_reminded_once_and_again_when_the_reminder_is_moved():
    amy, gone = User.objects.create(username="amy"), User.objects.create(username="gone", is_active=False)
    facts = {"remind_at": NOW, "custom": {}}
    task = Task.objects.create(title="Call", owner=amy, **facts)
    Task.objects.create(title="Done", owner=amy, status="done", **facts)
    Task.objects.create(title="Deleted", owner=amy, deleted_at=NOW, **facts)
    Task.objects.create(title="Nobody's", **facts)
    Task.objects.create(title="Gone", owner=gone, **facts)
    Task.objects.create(title="Later", owner=amy, remind_at=NOW + dt.timedelta(minutes=1), custom={})
    assert waiting_since(NOW - dt.timedelta(seconds=1)) is None and waiting_since(NOW) == NOW
    assert remind(NOW) == 5 and remind(NOW) == 0
    [told] = Notification.objects.all()
    assert (told.user, told.title, told.record_id) == (amy, "Reminder: Call", task.pk)
    Task.objects.filter(pk=task.pk).update(remind_at=NOW + dt.timedelta(days=1))
    assert remind(NOW + dt.timedelta(days=1)) == 2
    assert sorted(Notification.objects.values_list("title", flat=True)) == [
        "Reminder: Call", "Reminder: Call", "Reminder: Later"
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_queue_with_tasks_in_it_stays_and_keeps_its_internal_name(admin_client):
    queue = TaskQueue.objects.create(slug="inbound", name="Inbound")
    Task.objects.create(title="Call", queue="inbound", custom={})
    page = admin_client.get(reverse("admin:crm_taskqueue_change", args=[queue.pk])).content.decode()
    assert "1 task is in this queue" in page and 'name="slug"' not in page
    assert (
        admin_client.post(reverse("admin:crm_taskqueue_delete", args=[queue.pk]), {"post": "yes"}).status_code == 403
    )
    listed = admin_client.get(reverse("admin:crm_task_changelist"), {"queue": "inbound"}).content.decode()
    assert "Call" in listed


@pytest.mark.covers("CRM-16")
@pytest.mark.django_db
def test_a_pinned_note_stands_above_what_is_newer(admin_client):
    contact = Contact.objects.create(email="a@example.com")
    [made] = run(step("n", "create_note", body="<b>Mind</b> the gap", pinned=True), [contact])
    newer = Note.objects.create(body="Later", created_at=NOW + dt.timedelta(days=900), custom={})
    associate("contact", "note", [(contact.pk, newer.pk)])
    page = admin_client.get(reverse("admin:crm_contact_change", args=[contact.pk])).content.decode()
    assert page.index("<b>Mind</b> the gap") < page.index("Later") and page.count("<b>Mind</b>") == 1
    assert "Pinned" in page
    assert log_of(made) == [("n", "success")]
