"""What other systems tell of playbooks and sequences."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Contact
from records.models import Event
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db
SEQUENCE = {"sequence": "Welcome", "user": "boss"}
TOLD = {
    "EVT-22": ("playbook_logged", {"playbook": "Discovery", "user": "boss"}),
    "EVT-23": ("sequence_enrolled", SEQUENCE),
    "EVT-24": ("sequence_finished", SEQUENCE),
    "EVT-25": ("sequence_unenrolled", SEQUENCE | {"reason": "Replied"}),
    "EVT-26": ("sequence_meeting_booked", SEQUENCE | {"meeting": "Demo", "starts_at": "2026-03-01T10:00:00Z"}),
}


@pytest.mark.covers("EVT-22", "EVT-23", "EVT-24", "EVT-25", "EVT-26")
@pytest.mark.parametrize(("event", "facts"), TOLD.values(), ids=TOLD.keys())
def test_playbooks_and_sequences_are_told_through_the_api(event: str, facts: Any, boss: Any) -> None:
    contact, api = Contact.objects.create(email="ann@example.com"), client_of(boss)
    document = {"event": event, "object": "contact", "record": contact.pk, "properties": facts, "id": "x-1"}
    assert api.send("POST", "events/", document).status_code == 201
    assert api.send("POST", "events/", document).status_code in (200, 201)
    (row,) = Event.objects.filter(event=event, record_id=contact.pk)
    assert row.properties.keys() == facts.keys() and row.properties.get("user") == boss.pk
    missing = {"event": event, "object": "contact", "record": contact.pk, "properties": {}}
    assert api.send("POST", "events/", missing).status_code == 400
