"""The main job on the public sample: import, publish, enroll what matches, wait two days, done."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from crm.models import Deal, Note, Task, User
from records.associations import ids_of
from records.clock import database_now
from tests.crm.test_importing_the_sample import import_all
from tests.stories.following_up import follow_up
from tests.stories.sales import engaging, engaging_by_agent
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Outcome, StepExecution
from workflows.processes.ticking import tick


@pytest.mark.slow
@pytest.mark.covers("REV-02", "REV-05")
@pytest.mark.django_db
def test_every_engaged_deal_of_the_sample_is_followed_up_once(django_user_model):
    import_all()
    boss = django_user_model.objects.create_superuser("boss")
    workflow = drafting.create("Follow up engaged deals", "deal", boss, definition=follow_up())
    expected = engaging()

    review = publishing.review(workflow, user=boss, now=database_now())
    assert review.matching == len(expected) == 1_589
    published = publishing.publish(workflow, by=boss, now=database_now(), enroll_existing=True)
    assert published.enrolled == 1_589

    start = database_now()
    tick(start)

    inside = Enrollment.objects.filter(workflow=workflow)
    assert inside.count() == 1_589
    assert set(inside.values_list("status", "step")) == {("active", "patience")}
    assert_tasks_belong_to_their_sales_agents()
    gtk = [row for row in expected if row["product"] == "GTK 500"]
    assert StepExecution.objects.filter(step="note-big").count() == Note.objects.count() == len(gtk) == 15

    tick(start + dt.timedelta(days=1, hours=23))
    assert inside.filter(status="active").count() == 1_589
    tick(start + dt.timedelta(days=2, minutes=1))

    assert Counter(inside.values_list("status", flat=True)) == {"completed": 1_589}
    assert Note.objects.count() == 1_589 + len(gtk)
    assert Task.objects.count() == 1_589
    taken = StepExecution.objects.filter(enrollment__workflow=workflow).exclude(outcome=Outcome.WAITING)
    steps = Counter(taken.values_list("step", flat=True))
    assert steps == {"product": 1_589, "note-big": 15, "call": 1_589, "patience": 1_589, "done": 1_589}


def assert_tasks_belong_to_their_sales_agents() -> None:
    names = {user.pk: user.get_full_name() for user in User.objects.all()}
    owners = dict(Deal.objects.values_list("pk", "owner"))
    assert Counter(names[owner] for owner in Task.objects.values_list("owner", flat=True)) == engaging_by_agent()
    tasks = dict(Task.objects.values_list("pk", "owner"))
    deal_of = ids_of("task", tasks, "deal")
    assert all(len(deal_of[task]) == 1 and owners[deal_of[task][0]] == owner for task, owner in tasks.items())
    assert len({deal for deals in deal_of.values() for deal in deals}) == len(tasks)
