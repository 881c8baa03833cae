"""The list of what needs attention says what stopped, why, and how many; its buttons ask before they act."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Contact, User
from tests.workflows.building import enroll, make_workflow, step
from tests.workflows.enrollment.test_reviving import stopped
from workflows.enrollment import reviving
from workflows.models import Delivery, Enrollment, Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(client: Client) -> User:
    user = User.objects.create_superuser("ann", "ann@example.com", "pw")
    client.force_login(user)
    return user


def listed(client: Client, query: str = "") -> str:
    return client.get(reverse("admin:enrollment_attention") + query).content.decode()


def post(client: Client, **form: Any) -> Any:
    return client.post(reverse("admin:enrollment_revive"), form, follow=True)


def facts() -> dict[str, str]:
    return {"workflow": str(Workflow.objects.get().pk), "step": "name", "reason": "not_unique"}


def test_an_empty_list_says_so(ann: User, client: Client) -> None:
    assert "Nothing needs your attention" in listed(client)


def test_the_list_groups_by_workflow_step_and_reason_and_the_sidebar_counts(ann: User, client: Client) -> None:
    stopped(3)
    Delivery.objects.create(key="1", kind="mail", request={}, state="dead", created_at="2027-01-01T00:00:00Z")
    page = listed(client)
    assert "Another record already has this value" in page and "2. Edit record" in page
    assert "1 delivery: Given up" in page
    assert '<span class="chip chip-danger">4</span>' in page
    assert "Choose c" not in page, "records are listed once a group is opened"
    opened = listed(client, "?workflow={workflow}&step=name&reason=not_unique".format(**facts()))
    assert opened.count('type="checkbox"') == 3


def test_the_list_takes_as_many_queries_for_many_as_for_few(
    ann: User, client: Client, django_assert_max_num_queries: Any
) -> None:
    stopped(30)
    with django_assert_max_num_queries(20):
        listed(client, "?workflow={workflow}&step=name&reason=not_unique".format(**facts()))


def test_records_and_groups_are_listed_a_page_at_a_time(
    ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.admin.attention.PER_PAGE", 2)
    workflow = stopped(5)
    url, query = reverse("admin:enrollment_attention"), "?workflow={workflow}&step=name&reason=not_unique"
    seen = []
    for number in (1, 2, 3):
        answer = client.get(f"{url}{query.format(**facts())}&page={number}")
        seen += [row.enrollment.pk for row in answer.context["records"]]
        assert f"Page {number} of 3" in answer.content.decode()
    assert seen == list(Enrollment.objects.order_by("-pk").values_list("pk", flat=True))
    for place, enrollment in enumerate(Enrollment.objects.all()):
        Enrollment.objects.filter(pk=enrollment.pk).update(ended_reason=f"reason_{place}")
    groups = []
    for number in (1, 2, 3):
        answer = client.get(f"{url}?workflow={workflow.pk}&stopped={number}")
        groups += [row.group.reason for row in answer.context["rows"]]
    assert sorted(groups) == [f"reason_{place}" for place in range(5)]
    assert f'rel="prev" href="?workflow={workflow.pk}&amp;stopped=2"' in answer.content.decode()


def test_before_all_of_a_group_go_on_it_is_said_what_happens_to_how_many(ann: User, client: Client) -> None:
    stopped(3)
    Contact.objects.get(pk=Enrollment.objects.order_by("pk")[0].record_id).delete()
    asked = post(client, verb="retry", **facts()).content.decode()
    assert "2 records are tried again now, each at the step where it stopped." in asked
    assert "1 is left alone: The record was deleted." in asked
    assert reviving.stopped().count() == 3, "nothing has happened yet"
    done = post(client, verb="retry", confirmed="yes", **facts()).content.decode()
    assert "2 records are tried again now" in done
    assert Enrollment.objects.filter(status="active", step="name").count() == 2


def test_only_the_chosen_records_go_on(ann: User, client: Client) -> None:
    stopped(3)
    one = Enrollment.objects.order_by("pk")[1]
    assert "1 record goes on now" in post(client, verb="skip", chosen="yes", enrollment=[one.pk]).content.decode()
    post(client, verb="skip", confirmed="yes", enrollment=[one.pk])
    assert list(Enrollment.objects.filter(status="active").values_list("pk", "step")) == [(one.pk, "last")]


@pytest.mark.parametrize("form", [{"chosen": "yes", "verb": "retry"}, {"verb": "retry"}, {"verb": "explode"}])
def test_without_a_choice_nothing_happens(ann: User, client: Client, form: dict[str, str]) -> None:
    stopped(2)
    more = facts() if form["verb"] == "explode" else {}
    assert "Nothing was chosen" in post(client, confirmed="yes", **form, **more).content.decode()
    assert reviving.stopped().count() == 2


def test_who_stands_on_a_step_that_is_gone_gets_another_one(ann: User, client: Client) -> None:
    stopped(2)
    Enrollment.objects.update(step="old")
    where = facts() | {"step": "old"}
    asked = post(client, verb="retry", **where).content.decode()
    assert "0 records are tried again" in asked and "no longer has the step" in asked
    assert "go on with 3. " in asked
    post(client, verb="retry", confirmed="yes", target="last", **where)
    assert Enrollment.objects.filter(status="active", step="last").count() == 2


def test_what_is_left_as_it_is_leaves_the_list(ann: User, client: Client) -> None:
    stopped(2)
    post(client, verb="leave", confirmed="yes", **facts())
    assert "Nothing needs your attention" in listed(client)


def test_the_story_of_a_stopped_record_offers_the_same(ann: User, client: Client) -> None:
    stopped(1)
    enrollment = Enrollment.objects.get()
    page = client.get(reverse("admin:workflows_enrollment_change", args=[enrollment.pk])).content.decode()
    assert "It stopped at step 2" in page and 'value="retry"' in page
    finished = make_workflow([step("end", "end")])
    [other] = enroll(finished, [enrollment.record_id])
    page = client.get(reverse("admin:workflows_enrollment_change", args=[other.pk])).content.decode()
    assert 'value="retry"' not in page


def test_whoever_may_only_look_gets_no_buttons_and_is_refused(client: Client) -> None:
    from django.contrib.auth.models import Permission

    stopped(1)
    guest = User.objects.create(username="guest", is_staff=True)
    guest.user_permissions.add(Permission.objects.get(codename="view_enrollment"))
    client.force_login(guest)
    page = listed(client)
    assert "Another record already has this value" in page and 'value="retry"' not in page
    assert client.post(reverse("admin:enrollment_revive"), facts() | {"verb": "retry"}).status_code == 403
    client.force_login(User.objects.create(username="nobody", is_staff=True))
    assert client.get(reverse("admin:enrollment_attention")).status_code == 403


def test_addresses_that_mean_nothing_are_no_error_of_the_server(ann: User, client: Client) -> None:
    for query in ("?step=%00", "?reason=%00", "?workflow=1&step=%00&reason="):
        assert client.get(reverse("admin:enrollment_attention") + query).status_code == 400
    assert client.get(reverse("admin:workflows_enrollment_changelist") + "?status__exact=%00").status_code == 400
    assert post(client, verb="skip", workflow="1", step="\0").status_code == 400
    for query in ("?workflow=-1", "?workflow=%D9%A1", "?page=-1", "?step=%25s"):
        assert client.get(reverse("admin:enrollment_attention") + query).status_code == 200
