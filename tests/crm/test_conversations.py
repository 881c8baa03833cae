"""Conversations: records like the others, with the people they are with."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Contact, Conversation, Message
from records import criteria
from records.associations import associate
from records.clock import database_now
from records.models import Change
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


@pytest.mark.covers("FLT-18")
def test_messages_keep_the_facts_of_their_conversation(boss: Any) -> None:
    api, conversation = client_of(boss), Conversation.objects.create(subject="Help")
    place = f"conversations/{conversation.pk}/messages/"
    told = [
        {"direction": "sent", "body": "Anything we can do?", "author": "boss", "at": "2026-03-01T09:00:00Z"},
        {"direction": "received", "body": "It is broken", "sender": "ann@example.com", "at": "2026-03-01T10:00:00Z"},
        {"direction": "sent", "body": "We got it", "automatic": True, "at": "2026-03-01T10:00:05Z"},
        {"direction": "sent", "body": "On it", "author": "boss", "at": "2026-03-01T10:30:00Z", "key": "m-1"},
        {"direction": "sent", "body": "twice", "author": "boss", "at": "2026-03-01T11:30:00Z", "key": "m-1"},
    ]
    assert [api.send("POST", place, one).status_code for one in told] == [201] * 5
    assert [one["body"] for one in api.send("GET", place).document["results"]] == [one["body"] for one in told[:4]]
    facts = api.send("GET", f"conversations/{conversation.pk}/").document["properties"]
    assert facts["first_response_time"] == 1800 and facts["last_message"] == "On it"
    assert (facts["last_received_at"], facts["last_sent_at"]) == (
        "2026-03-01T10:00:00+00:00", "2026-03-01T10:30:00+00:00",
    )  # fmt: skip
    slow = {"property": "first_response_time", "operator": "is_greater_than", "value": 600}
    assert criteria.compile({"all": [slow]}, object_types["conversation"], now=database_now()).records().count() == 1
    changed = Change.objects.filter(object_type="conversation", kind="updated").order_by("-id").values_list("after")
    assert "last_sent_at" in changed[0][0], "what messages change is journaled like everything else"
    other = Conversation.objects.create(subject="Other")
    Message.objects.update(conversation=other)
    conversation.refresh_from_db()
    assert (conversation.last_message, conversation.first_response_time, conversation.last_sent_at) == ("", None, None)
    other.refresh_from_db()
    assert other.first_response_time == 1800
    assert api.send("POST", place, {"direction": "sent", "body": "x", "author": "nobody"}).status_code == 400
    refused = api.send("PATCH", f"conversations/{other.pk}/", {"properties": {"first_response_time": 1}})
    assert refused.status_code == 400


def test_messages_are_shown_and_written_down_on_the_conversations_page(admin_page: Any, boss: Any) -> None:
    conversation = Conversation.objects.create(subject="Help")
    page = f"/admin/crm/conversation/{conversation.pk}"
    assert "No messages have been written down yet" in admin_page.get(f"{page}/change/").content.decode()
    admin_page.post(f"{page}/message/", {"direction": "received", "body": "It <b>is</b> broken"})
    admin_page.post(f"{page}/message/", {"direction": "sent", "body": "On it"})
    shown = admin_page.get(f"{page}/change/").content.decode().split('id="messages"')[1]
    assert "It &lt;b&gt;is&lt;/b&gt; broken" in shown and shown.index("broken") < shown.index("On it")
    assert Message.objects.get(body="On it").author == boss
    answer = admin_page.post(f"{page}/message/", {"direction": "sent", "body": ""}, follow=True)
    assert "This field is required" in answer.content.decode() and Message.objects.count() == 2
