"""Conversations: records like the others, with the people they are with."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Contact, Conversation
from records import criteria
from records.associations import associate
from records.object_types import object_types
from tests.api.conftest import client_of
from tests.workflows.building import NOW

pytestmark = pytest.mark.django_db


def test_a_conversation_has_a_list_a_page_and_its_contacts(admin_page: Any) -> None:
    conversation = Conversation.objects.create(subject="Where is it?", channel="chat", last_message="Still waiting")
    ann = Contact.objects.create(first_name="Ann", email="ann@example.com")
    associate("conversation", "contact", [(conversation.pk, ann.pk)])
    shown = admin_page.get("/admin/crm/conversation/").content.decode()
    assert "Where is it?" in shown and "Ann" in shown and "Chat" in shown
    assert "Still waiting" in admin_page.get(f"/admin/crm/conversation/{conversation.pk}/change/").content.decode()
    assert "Where is it?" in admin_page.get(f"/admin/crm/contact/{ann.pk}/change/").content.decode()
    assert 'href="/admin/crm/conversation/"' in admin_page.get("/admin/").content.decode()


def test_conversations_are_made_changed_and_found_through_the_api(boss: Any) -> None:
    api, ann = client_of(boss), Contact.objects.create(email="ann@example.com")
    document = {
        "properties": {"subject": "Help", "channel": "email", "last_message_at": "2026-11-22T08:30:00Z"},
        "associations": [{"type": "contact", "id": ann.pk}],
    }
    made = api.send("POST", "conversations/", document)
    assert made.status_code == 201, made.document
    assert made.document["properties"]["status"] == "open"
    place = f"conversations/{made.document['id']}/"
    assert api.send("PATCH", place, {"properties": {"status": "closed"}}).document["properties"]["status"] == "closed"
    assert api.send("GET", f"{place}associations/").document["results"] == [
        {"type": "contact", "id": ann.pk, "label": ""}
    ]
    closed = {"property": "status", "operator": "is_any_of", "value": ["closed"]}
    asked = {"all": [{"association": "conversation", "all": [closed]}]}
    found = criteria.compile(asked, object_types["contact"], now=NOW)
    assert list(Contact.objects.filter(found.q)) == [ann]
    assert api.send("POST", "conversations/", {"properties": {}}).status_code == 400
