"""The ready-made goals and what the first start shows."""

from __future__ import annotations

import datetime as dt

import pytest

from crm import demo, demo_workflows
from crm.goals import GOALS
from crm.goals.sales import CELEBRATE_WON_DEALS
from crm.models import Call, Company, Contact, Deal, Meeting, Task, Ticket, User
from records.clock import database_now
from records.object_types import object_types
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.models import Enrollment, StepExecution, Workflow
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("admin", "admin@example.com", "not-a-secret")


FEATURED = [goal.definition for goal in GOALS if goal.featured]
READY = [definition for definition in FEATURED if definition is not CELEBRATE_WON_DEALS]


@pytest.mark.parametrize("definition", [*READY, demo_workflows.SORT_LEADS], ids=str)
def test_every_ready_made_definition_can_be_published_as_it_is(definition: dict, admin: User) -> None:
    assert [str(problem) for problem in checking.problems(parse(definition), user=admin)] == []


@pytest.mark.covers("PLH-05")
def test_a_goal_leaves_open_only_what_nobody_can_know_beforehand(admin: User) -> None:
    found = checking.problems(parse(CELEBRATE_WON_DEALS), user=admin)
    assert [(problem.path, str(problem.message)) for problem in found] == [
        ("steps.0.params", "Choose who is told: users, the record’s owner, or teams.")
    ]


def test_the_first_start_shows_records_in_every_state(admin: User) -> None:
    made = demo.seed(by=admin, now=database_now())
    assert sum(model.objects.count() for model in (Company, Contact, Deal, Ticket)) == 420
    assert made == sum(kind.records().count() for kind in object_types.values() if kind.slug != "task")
    assert Call.objects.exclude(tracked_terms=None).exists() and Meeting.objects.filter(outcome="scheduled").exists()
    assert {user.has_usable_password() for user in User.objects.exclude(pk=admin.pk)} == {False}
    now = database_now()
    assert demo_workflows.start(by=admin, now=now) == Workflow.objects.filter(status="on").count() == 4
    for workflow in Workflow.objects.all():
        assert workflow.enrollments.exists(), workflow
    waiting, done = (Enrollment.objects.filter(status=status) for status in ("active", "completed"))
    assert waiting.exists() and done.exists()
    assert not waiting.filter(due_at__lte=now).exists()
    assert not StepExecution.objects.filter(outcome="failed").exists()
    big = Deal.objects.filter(stage="engaging", amount__gte=5000)
    assert big.count() == Workflow.objects.get(name="Follow up big deals").enrollments.count() > 10
    assert set(big.values_list("owner", flat=True)) <= set(Task.objects.values_list("owner", flat=True))


def test_two_days_later_nothing_waits_any_more(admin: User) -> None:
    now = database_now()
    demo.seed(by=admin, now=now)
    demo_workflows.start(by=admin, now=database_now())
    tick(database_now() + dt.timedelta(days=2, minutes=1))
    assert not Enrollment.objects.filter(status="active").exists()
    assert not StepExecution.objects.filter(outcome="failed").exists()
