"""What contacts did with marketing emails, as filters ask for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from crm.models import Contact
from crm.tracking.email_filter import OPERATORS
from records import criteria
from records.clock import database_now
from records.criteria.leaves import leaf_kinds
from records.criteria.parsing import parse
from records.happening import happen
from records.lists import keeping
from records.lists.members import members_of
from records.object_types import object_types
from records.problems import DocumentError
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db
STORIES = {
    "sent": ["email_sent"],
    "bounced": ["email_sent", "email_bounced"],
    "delivered": ["email_sent", "email_delivered"],
    "opened": ["email_sent", "email_delivered", "email_opened"],
    "clicked": ["email_sent", "email_delivered", "email_opened", "email_clicked"],
    "replied": ["email_sent", "email_delivered", "email_opened", "email_replied"],
    "spam": ["email_sent", "email_delivered", "email_marked_as_spam"],
    "left": ["email_sent", "email_delivered", "email_opened", "email_clicked", "email_unsubscribed"],
}
EXPECTED = {
    "was_sent": set(STORIES),
    "was_received": set(STORIES) - {"sent", "bounced"},
    "was_opened": {"opened", "clicked", "replied", "left"},
    "was_clicked": {"clicked", "left"},
    "was_replied": {"replied"},
    "has_bounced": {"bounced"},
    "was_marked_as_spam": {"spam"},
    "was_unsubscribed": {"left"},
    "received_not_opened": {"delivered", "spam"},
    "opened_not_clicked": {"opened", "replied"},
    "opened_not_replied": {"opened", "clicked", "left"},
    "sent_not_clicked": set(STORIES) - {"clicked", "left"},
    "sent_not_received": {"sent", "bounced"},
}


def told(contact: Contact, event: str, email: str = "May", ago: int = 0) -> None:
    at = database_now() - dt.timedelta(days=ago)
    happen(event, "contact", [contact.pk], properties={"email": email}, occurred_at=at, now=database_now())


def meeting(operator: str, email: str = "May", **more: Any) -> set[str]:
    document = {"all": [{"marketing_email": email, "operator": operator, **more}]}
    found = criteria.compile(document, object_types["contact"], now=database_now()).records()
    return set(found.values_list("first_name", flat=True))


@pytest.fixture
def readers(db):
    people = {name: Contact.objects.create(email=f"{name}@example.com", first_name=name) for name in STORIES}
    for name, events in STORIES.items():
        for event in events:
            told(people[name], event)
    return people


@pytest.mark.covers("FLT-26", "FLT-27")
@pytest.mark.parametrize("operator", OPERATORS)
def test_each_operator_finds_exactly_whom_it_names(readers, operator):
    assert meeting(operator) == EXPECTED[operator]
    assert meeting(operator, "*") == EXPECTED[operator]


@pytest.mark.covers("FLT-27")
def test_opened_but_not_clicked_is_about_one_and_the_same_email(readers):
    told(readers["clicked"], "email_opened", "June")
    assert "clicked" in meeting("opened_not_clicked", "*")
    assert "clicked" not in meeting("opened_not_clicked", "May")


@pytest.mark.covers("FLT-26")
def test_only_an_email_that_was_sent_can_be_chosen(readers):
    contacts = object_types["contact"]
    kind = leaf_kinds["marketing_email"]
    assert [value for value, _label in kind.choices(contacts)] == ["*", "May"]
    with pytest.raises(DocumentError, match="No marketing email 'July' has been sent"):
        parse({"all": [{"marketing_email": "July", "operator": "was_sent"}]}, contacts)
    assert meeting("was_opened", refine={"count": {"at_least": 2}}) == set()
    told(readers["opened"], "email_opened", ago=40)
    assert meeting("was_opened", refine={"count": {"at_least": 2}}) == {"opened"}
    assert "opened" in meeting("was_opened", refine={"within": {"days": 30}})
    told(readers["sent"], "email_opened", ago=40)
    assert "sent" not in meeting("was_opened", refine={"within": {"days": 30}})


def test_the_sentence_names_the_email(readers):
    document = {
        "all": [{"marketing_email": "May", "operator": "opened_not_clicked", "refine": {"within": {"days": 7}}}]
    }
    sentence = criteria.compile(document, object_types["contact"], now=database_now()).text
    assert sentence == "has opened the email “May” in the last 7 days, but has not clicked a link in it"


def test_a_list_follows_what_is_told_later(readers):
    unread = {"all": [{"marketing_email": "*", "operator": "received_not_opened"}]}
    found = keeping.create(object_types["contact"], "Unread", criteria=unread, now=database_now())
    told(readers["delivered"], "email_opened")
    told(readers["bounced"], "email_delivered")
    tick(database_now())
    ids = members_of(found).values_list("record_id", flat=True)
    assert {readers[name].pk for name in ("spam", "bounced")} == set(ids)
