"""Deliveries that were given up are found and settled through the API, one by one or many at once."""

from __future__ import annotations

import pytest

from crm.models import Contact, User
from records.clock import database_now
from tests.api.conftest import client_of, person
from tests.workflows.building import enroll, make_workflow, step
from workflows.models import AuditEntry, Delivery, Workflow

pytestmark = pytest.mark.django_db


def deliveries(count: int, state: str = "dead") -> Workflow:
    workflow = make_workflow([step("wait", "delay", days=1)])
    made = enroll(workflow, [Contact.objects.create().pk for _number in range(count)])
    Delivery.objects.bulk_create(
        Delivery(
            key=f"{one.pk}:tell:0", kind="mail", enrollment_id=one.pk, state=state, created_at=database_now(),
            request={"to": "secret@example.com"}, last_error="The server said no.",
        )
        for one in made
    )  # fmt: skip
    return workflow


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def test_they_are_listed_by_workflow_and_state_without_what_they_say(boss: User) -> None:
    first, _second = deliveries(3), deliveries(2, "uncertain")
    page = client_of(boss).send("GET", f"deliveries/?workflow={first.pk}&state=dead&page_size=2").json()
    assert [one["workflow"] for one in page["results"]] == [first.pk] * 2
    assert page["next"]
    assert page["results"][0]["last_error"] == "The server said no."
    assert "secret" not in str(page)
    assert client_of(boss).send("GET", f"deliveries/?workflow={first.pk}&state=uncertain").json()["results"] == []
    wrong = client_of(boss).send("GET", "deliveries/?state=gone")
    assert (wrong.status_code, "state" in wrong.content.decode()) == (400, True)


def test_one_is_sent_again_once_and_it_is_kept_who_did(boss: User) -> None:
    deliveries(1)
    path = f"deliveries/{Delivery.objects.get().pk}/retry/"
    reply = client_of(boss).send("POST", path)
    assert (reply.status_code, reply.json()["state"]) == (200, "pending")
    again = client_of(boss).send("POST", path)
    assert again.status_code == 409
    assert "Only stopped ones" in again.json()["detail"]
    assert AuditEntry.objects.get().user == boss


def test_many_are_skipped_or_called_sent_and_nobody_by_accident(boss: User) -> None:
    first = deliveries(3)
    deliveries(2)
    api = client_of(boss)
    assert api.send("POST", "deliveries/skip/", {"workflow": first.pk}).json() == {"settled": 3}
    ids = [one.pk for one in Delivery.objects.filter(state="dead")[:1]]
    assert api.send("POST", "deliveries/mark-sent/", {"deliveries": ids}).json() == {"settled": 1}
    assert states() == ["skipped", "skipped", "skipped", "done", "dead"]
    everything = api.send("POST", "deliveries/skip/", {})
    assert everything.status_code == 400
    assert "Say which" in everything.content.decode()
    assert states()[-1] == "dead"


def test_deliveries_about_records_one_may_not_see_are_not_there() -> None:
    deliveries(1)
    blind = client_of(person("blind", "workflows.view_delivery", "workflows.change_delivery"))
    assert blind.send("GET", "deliveries/").json()["results"] == []
    assert blind.send("GET", f"deliveries/{Delivery.objects.get().pk}/").status_code == 404
    assert blind.send("POST", "deliveries/skip/", {"state": "dead"}).json() == {"settled": 0}
    assert states() == ["dead"]
