"""Workflows enroll contacts in sequences, take them out, and assign conversations."""

from __future__ import annotations

import pytest

from crm.models import Contact, Conversation, Deal, Inbox, SequenceEnrollment, User
from crm.sequences.enrolling import Sending, enroll
from records.associations import associate
from tests.workflows.building import NOW, make_workflow, step
from tests.workflows.building import enroll as enter
from workflows.engine.taking_steps import run_due
from workflows.models import StepExecution

pytestmark = pytest.mark.django_db


def run(steps, ids, object_type="contact"):
    """The answer for each record: its outcome, and its reason."""
    made = enter(make_workflow(steps, object_type), ids)
    run_due(NOW)
    lines = StepExecution.objects.filter(enrollment__in=made, step="s").order_by("enrollment")
    return [(line.outcome, line.detail.get("reason", "")) for line in lines]


@pytest.mark.covers("COM-01")
def test_contacts_are_enrolled_by_their_owner_or_skipped_with_the_reason(sequence, sender):
    gone = User.objects.create(username="gone", email="gone@ours.example", is_active=False)
    people = [
        Contact.objects.create(email="a@example.com", owner=sender), Contact.objects.create(owner=sender),
        Contact.objects.create(email="b@example.com"), Contact.objects.create(email="c@example.com", owner=gone),
    ]  # fmt: skip
    ids = [one.pk for one in people]
    found = run([step("s", "enroll_in_sequence", sequence="welcome", sender="owner")], ids)
    assert found == [
        ("success", ""), ("skipped", "sequence_no_address"), ("skipped", "sequence_no_sender"),
        ("skipped", "sequence_sender_inactive"),
    ]  # fmt: skip
    made = SequenceEnrollment.objects.get()
    assert (made.contact_id, made.sender, made.from_address) == (ids[0], sender, "amy@ours.example")
    assert made.workflow_id
    again = [
        step("s", "enroll_in_sequence", sequence="welcome", sender="user", user="amy", from_address="team@x.example")
    ]
    assert run(again, ids[:3]) == [("skipped", "in_sequence"), ("skipped", "sequence_no_address"), ("success", "")]
    assert SequenceEnrollment.objects.latest("pk").from_address == "team@x.example"


@pytest.mark.covers("COM-01", "COM-02", "ACG-05")
def test_a_deals_contacts_are_enrolled_and_taken_out(sequence, sender):
    deal = Deal.objects.create(name="Big one")
    people = [Contact.objects.create(email=f"c{i}@example.com") for i in range(3)]
    associate("deal", "contact", [(deal.pk, one.pk) for one in people[:2]])
    enroll(sequence, {people[2].pk: Sending(sender)}, now=NOW)
    into = step("s", "enroll_in_sequence", of="contact", sequence="welcome", sender="user", user="amy")
    assert run([into], [deal.pk], "deal") == [("success", "")]
    assert SequenceEnrollment.objects.filter(status="active").count() == 3
    out = step("s", "unenroll_from_sequence", of="contact", sequence="welcome")
    assert run([out], [deal.pk], "deal") == [("success", "")]
    assert list(SequenceEnrollment.objects.filter(status="active").values_list("contact", flat=True)) == [people[2].pk]
    assert run([out], [deal.pk], "deal") == [("skipped", "not_in_sequence")]


@pytest.mark.covers("COM-14")
def test_a_conversation_gets_an_inbox_and_an_owner(sender):
    Inbox.objects.create(slug="support", name="Support")
    first, other = Conversation.objects.create(subject="Hi"), Conversation.objects.create(subject="Ho", owner=sender)
    assign = step("s", "assign_conversation", inbox="support", owner="amy")
    assert run([assign], [first.pk, other.pk], "conversation") == [("success", ""), ("success", "")]
    assert set(Conversation.objects.values_list("inbox", "owner__username")) == {("support", "amy")}
    assert run([assign], [first.pk], "conversation") == [("skipped", "same_assignment")]


@pytest.mark.covers("COM-14", "ACG-05")
def test_a_contacts_conversations_go_to_its_owner(sender):
    conversation = Conversation.objects.create(subject="Hi", inbox="old")
    owned, free = Contact.objects.create(email="a@example.com", owner=sender), Contact.objects.create(email="b@x.com")
    associate("contact", "conversation", [(owned.pk, conversation.pk)])
    other = Conversation.objects.create(subject="Ho")
    associate("contact", "conversation", [(free.pk, other.pk)])
    assign = step("s", "assign_conversation", of="conversation", owner="owner")
    assert run([assign], [owned.pk, free.pk]) == [("success", ""), ("skipped", "no_owner")]
    conversation.refresh_from_db()
    assert (conversation.owner, conversation.inbox) == (sender, "old")
