"""What the processes log: one JSON line for what was done, by which one follows a change to its delivery."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from django.core import mail

from config.logging import JsonFormatter
from crm.models import Contact, User
from records.clock import database_now
from tests.workflows.building import step
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Enrollment
from workflows.processes.ticking import tick

SECRET = "zaphod@example.com"


@pytest.fixture
def lines():
    """The lines our loggers write meanwhile, as LOG_FORMAT=json writes them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("workflows")
    logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


def by_logger(lines: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [found] = [line for line in lines if line["logger"] == f"workflows.{name}"]
    return found


@pytest.mark.django_db
def test_a_change_can_be_followed_to_the_mail_it_led_to(lines):
    boss = User.objects.create(username="boss", email="boss@example.com", is_superuser=True, is_staff=True)
    criteria = {"any": [{"all": [{"property": "city", "operator": "is_equal_to_any_of", "value": ["Lund"]}]}]}
    mail_step = step("tell", "send_internal_email", to=["boss"], subject="S", body="{{ contact.first_name }}")
    definition = {
        "format": 1, "name": "Follow", "object": "contact", "trigger": {"kind": "filter", "criteria": criteria},
        "steps": [step("set", "edit_record", property="job_title", value="Captain"), mail_step],
    }  # fmt: skip
    workflow = drafting.create("Follow", "contact", boss, definition=definition)
    publishing.publish(workflow, by=boss, now=database_now(), enroll_existing=False)
    contact = Contact.objects.create(email=SECRET, first_name="Zaphod")
    tick(database_now())
    Contact.objects.filter(pk=contact.pk).update(city="Lund")
    written_before = len(lines())
    tick(database_now())
    assert len(mail.outbox) == 1
    enrollment = Enrollment.objects.get()
    found = lines()[written_before:]
    batch, delivery = by_logger(found, "engine.tallying"), by_logger(found, "outbox.delivering")
    dispatched = [line for line in found if line["logger"] == "workflows.intake.dispatching"]
    change = enrollment.cause["change"]
    assert change in dispatched[0]["change_ids"]
    assert batch["change_ids"] == [change]
    assert batch["enrollment_ids"] == [enrollment.pk]
    assert (batch["workflow"], batch["revision"], batch["step"]) == (workflow.pk, enrollment.revision_id, "set")
    assert (batch["enrollments"], batch["steps"]) == (1, 2)
    assert len(batch["claim"]) == 36
    assert batch["seconds"] >= 0
    assert (delivery["enrollment"], delivery["state"], delivery["attempts"]) == (enrollment.pk, "done", 1)
    assert delivery["key"].startswith(f"{enrollment.pk}:tell:")
    text = json.dumps(found)
    assert not any(word in text for word in (SECRET, "Zaphod", "boss@example.com", "Captain"))


@pytest.mark.django_db
def test_a_large_batch_is_one_line_with_its_first_ids(lines):
    from tests.workflows.building import enroll, make_workflow

    workflow = make_workflow([step("set", "edit_record", property="city", value="Lund")])
    made = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com") for i in range(200))
    enrollments = enroll(workflow, [contact.pk for contact in made], now=database_now())
    tick(database_now())
    batch = by_logger(lines(), "engine.tallying")
    assert batch["enrollments"] == batch["steps"] == 200
    assert batch["enrollment_ids"] == [enrollment.pk for enrollment in enrollments[:5]]
    assert batch["change_ids"] == []
