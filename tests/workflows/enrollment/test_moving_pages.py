"""Moving by hand in the admin and by the API: asked first, with what exactly happens, then done."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Contact, User
from records.clock import database_now
from tests.api.conftest import SCOPES, ApiClient, client_of, person
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows import chores
from workflows.models import Enrollment, MassMove, Revision, Workflow

pytestmark = pytest.mark.django_db
STEPS = [step("wait", "delay", days=2), step("add", "change_number", property="lead_score", by=1), step("end", "end")]
MOVE = "/admin/workflows/enrollment/move/"
EVERY = Enrollment.objects.all()


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss")


@pytest.fixture
def client(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


@pytest.fixture
def api(boss: User) -> ApiClient:
    return client_of(boss)


def inside(count: int, workflow: Workflow | None = None) -> Workflow:
    workflow = workflow or make_workflow(STEPS)
    made = Contact.objects.bulk_create(Contact(email=f"c{i}-{workflow.pk}@example.com") for i in range(count))
    enroll(workflow, [contact.pk for contact in made])
    EVERY.filter(workflow=workflow).update(waiting_in="wait")
    return workflow


def page(client: Client, **form: Any) -> str:
    answer = client.post(MOVE, form)
    assert answer.status_code == 200, answer.get("Location")
    return " ".join(answer.content.decode().split())


def messages_after(client: Client, **form: Any) -> list[str]:
    answer = client.post(MOVE, form, follow=True)
    return [str(message) for message in answer.context["messages"]]


def places(html: str) -> list[str]:
    return [part.partition('"')[0] for part in html.split('name="from" value="')[1:]]


def test_one_record_is_moved_from_its_story_after_it_was_said_what_happens(client: Client) -> None:
    inside(1)
    enrollment = EVERY.get()
    story = reverse("admin:workflows_enrollment_change", args=[enrollment.pk])
    assert "Move to another step…" in client.get(story).content.decode()
    form = {"enrollment": enrollment.pk, "back": story}
    asked = page(client, **form)
    assert '<option value="add">2. Increase or decrease a number' in asked
    assert '<option value="wait"' not in asked, "it stands there"
    assert "What will happen" not in asked
    told = page(client, **form, target="add")
    assert "1 record goes from “1. Delay for a set amount of time” to “2. Increase or decrease a number”." in told
    assert "1 wait ends now." in told
    assert EVERY.get().step == "wait", "nothing has happened yet"
    done = messages_after(client, **form, target="add", confirmed="yes", **{"from": places(told)})
    assert done == ["1 record was moved."]
    assert EVERY.get().step == "add"
    assert "Moved by hand from “1. Delay for a set amount of time”" in client.get(story).content.decode()


def test_all_that_match_are_moved_and_who_cannot_be_is_told_with_the_reason(client: Client) -> None:
    workflow = inside(3)
    old = EVERY.order_by("pk")[0]
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": STEPS[:1]}
    older = Revision.objects.create(workflow=workflow, number=2, definition=document, published_at=NOW)
    EVERY.filter(pk=old.pk).update(revision=older)
    query = f"workflow__id__exact={workflow.pk}&step=wait"
    assert "Move all that match…" in client.get(f"/admin/workflows/enrollment/?{query}").content.decode()
    told = page(client, all="yes", matching=query, target="add")
    assert "2 records in revision 1 go from" in told
    assert "1 is left where it is: The revision it runs in does not have this step." in told
    form = {"all": "yes", "matching": query, "target": "add", "confirmed": "yes", "from": places(told)}
    assert messages_after(client, **form)[0].startswith("2 records were moved.")
    assert EVERY.get(pk=old.pk).step == "wait"


def test_a_thousand_are_moved_at_once_and_more_in_the_background_with_progress(client: Client) -> None:
    workflow = inside(1_001)
    query = f"workflow__id__exact={workflow.pk}"
    told = page(client, all="yes", matching=query, target="add")
    assert "1,001 records go from" in told
    form = {"all": "yes", "matching": query, "target": "add", "confirmed": "yes", "from": places(told)}
    answer = client.post(MOVE, form)
    assert answer["Location"] == reverse("admin:enrollment_moving", args=[MassMove.objects.get().pk])
    assert "0 of 1,001 records" in client.get(answer["Location"]).content.decode()
    while chores.work(database_now()):
        pass
    shown = " ".join(client.get(f"{answer['Location']}?part=1").content.decode().split())
    assert "<strong>1,001</strong> moved" in shown and "hx-get" not in shown
    assert set(EVERY.values_list("step", flat=True)) == {"add"}
    assert client.get("/admin/workflows/enrollment/moving/0/").status_code == 404


def test_what_cannot_be_asked_is_answered_with_a_sentence_and_changes_nothing(client: Client) -> None:
    first, second = inside(1), inside(1)
    both = list(EVERY.values_list("pk", flat=True))
    assert messages_after(client, enrollment=both) == [
        "The chosen records are in several workflows, whose steps differ. Choose records of one workflow."
    ]
    assert messages_after(client) == ["Nothing was chosen, so nothing was changed. Tick the records first."]
    for refused in ("", "step=wait", f"workflow__id__exact={first.pk}&q=c0"):
        assert "Nothing was chosen" in messages_after(client, all="yes", matching=refused, target="add")[0]
    EVERY.filter(workflow=second).update(status="completed", step="")
    ended = EVERY.get(workflow=second).pk
    assert "active any more" in messages_after(client, enrollment=ended)[0]
    told = page(client, enrollment=both[0], target="nowhere")
    assert "Nobody can be moved there." in told and "does not have this step" in told
    for sources in (["x:wait", "7"], []):
        answer = messages_after(client, enrollment=both[0], target="add", confirmed="yes", **{"from": sources})
        assert answer[0].startswith("0 records were moved. 1 is left where it is: It has gone on")
    assert EVERY.get(pk=both[0]).step == "wait"


def test_who_may_not_publish_is_refused_and_told_why() -> None:
    inside(1)
    viewer = person("viewer", "workflows.view_enrollment", "workflows.view_workflow", "crm.view_contact")
    viewer.is_staff = True
    viewer.save()
    client = Client()
    client.force_login(viewer)
    refused = client.post(MOVE, {"enrollment": EVERY.get().pk, "target": "add", "confirmed": "yes"})
    assert refused.status_code == 403
    assert "right to publish" in refused.content.decode()
    story = client.get(reverse("admin:workflows_enrollment_change", args=[EVERY.get().pk])).content.decode()
    assert "Move to another step" not in story
    assert EVERY.get().step == "wait"


def test_the_api_moves_one_if_it_still_stands_where_the_caller_thinks(api: ApiClient) -> None:
    inside(1)
    path = f"enrollments/{EVERY.get().pk}/move/"
    moved = api.send("POST", path, {"step": "add", "from": "wait"})
    assert (moved.status_code, moved.document["step"]) == (200, "add")
    late = api.send("POST", path, {"step": "end", "from": "wait"})
    assert late.status_code == 409 and "gone on" in late.document["detail"]
    wrong = api.send("POST", path, {"step": "nowhere"})
    assert wrong.status_code == 400
    assert wrong.document["errors"][0]["path"] == "step" and "“nowhere”" in wrong.document["errors"][0]["message"]
    assert api.send("POST", path, {}).document["errors"][0]["path"] == "step"
    assert EVERY.get().step == "add"


def test_the_api_says_what_would_happen_before_it_moves_some(api: ApiClient) -> None:
    workflow = inside(3)
    ids = list(EVERY.order_by("pk").values_list("pk", flat=True))
    EVERY.filter(pk=ids[0]).update(status="completed", step="")
    body = {"workflow": workflow.pk, "step": "add", "enrollments": ids}
    asked = api.send("POST", "enrollments/move/", body | {"preview": True}).document
    assert asked["from"] == [{"revision": 1, "step": "wait", "count": 2}]
    assert (asked["moved"], [(one["code"], one["count"]) for one in asked["refused"]]) == (2, [("ended", 1)])
    assert set(EVERY.values_list("step", flat=True)) == {"", "wait"}
    assert api.send("POST", "enrollments/move/", body).document == asked
    assert set(EVERY.values_list("step", flat=True)) == {"", "add"}
    foreign = api.send("POST", "enrollments/move/", body | {"enrollments": [999_999]})
    assert foreign.document["errors"][0]["path"] == "enrollments"


def test_the_api_moves_everybody_who_stands_on_a_step_in_the_background(api: ApiClient) -> None:
    workflow = inside(4)
    other = EVERY.order_by("-pk")[0]
    EVERY.filter(pk=other.pk).update(step="add", waiting_in="")
    path = f"workflows/{workflow.pk}/move-matching/"
    begun = api.send("POST", path, {"step": "end", "from": "wait"})
    assert (begun.status_code, begun.document["total"], begun.document["status"]) == (202, 3, "waiting")
    while chores.work(database_now()):
        pass
    [shown] = api.send("GET", path).document
    assert (shown["status"], shown["moved"], shown["step"]) == ("done", 3, "end")
    assert EVERY.get(pk=other.pk).step == "add"
    nobody = api.send("POST", path, {"step": "end", "from": "wait"})
    assert nobody.document["errors"][0]["message"] == "Nobody stands there."


def test_a_token_without_the_scope_to_publish_moves_nobody(boss: User) -> None:
    inside(1)
    reader = client_of(boss, *(scope for scope in SCOPES if scope != "workflows:publish"))
    assert reader.send("POST", f"enrollments/{EVERY.get().pk}/move/", {"step": "add"}).status_code == 403
    assert EVERY.get().step == "wait"
