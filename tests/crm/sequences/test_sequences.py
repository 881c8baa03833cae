"""Sequences from the first email to the last step, and everything that ends one before."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from anymail.inbound import AnymailInboundMessage
from anymail.signals import AnymailInboundEvent, AnymailTrackingEvent, inbound, tracking
from django.conf import settings
from django.core import mail
from django.db import DatabaseError, connection, connections
from django.db.models import F

from crm.models import BouncedAddress, Contact, Email, Meeting, SequenceEnrollment, SequenceRun, Subscription, Task
from crm.sequences import moving
from crm.sequences.enrolling import Sending, enroll
from crm.sequences.leaving import unenroll
from crm.subscribing import Wish, set_status
from records.associations import associate, ids_of
from records.happening import happen
from records.merging.performing import merge
from records.models import Event
from records.object_types import object_types
from tests.crm.sequences.conftest import NOW
from workflows.intake.dispatching import dispatch
from workflows.models import Delivery
from workflows.outbox.delivering import deliver

pytestmark = pytest.mark.django_db


def put_in(sequence: Any, contacts: list[Any], sender: Any, now: Any = NOW, address: str = "") -> Any:
    return enroll(sequence, {one.pk: Sending(sender, address) for one in contacts}, now=now)


def states() -> list[str]:
    return list(SequenceEnrollment.objects.order_by("pk").values_list("status", flat=True))


def told(contact: Any) -> list[str]:
    events = Event.objects.filter(record_id=contact.pk, event__startswith="sequence_").order_by("id")
    return [event.removeprefix("sequence_") for event in events.values_list("event", flat=True)]


def pass_on(now: dt.datetime) -> None:
    """What clock and workers do."""
    moving.work(now)
    while deliver(now):
        pass
    moving.work(now)


@pytest.mark.covers("EVT-23", "EVT-24")
def test_a_contact_gets_every_step_in_its_time_and_finishes(sequence, sender, ann):
    assert list(put_in(sequence, [ann], sender).made) == [ann.pk]
    pass_on(NOW)
    [first] = mail.outbox
    assert (first.subject, first.to) == ("Hello Ann", ["ann@example.com"])
    assert first.from_email == "Amy Field <amy@ours.example>"
    assert first.body.startswith("I am Amy.\nSee https://ours.example/a\n")
    assert '<a href="https://ours.example/a"' in first.alternatives[0][0]
    link = first.extra_headers["List-Unsubscribe"].strip("<>")
    assert link in first.body and link.startswith(f"{settings.PUBLIC_URL}/")
    written = Email.objects.get()
    assert (written.status, written.sent_at, written.owner) == ("sent", NOW, sender)
    assert ids_of("email", [written.pk], "contact") == {written.pk: [ann.pk]}
    # Three workdays after a Wednesday is a Monday.
    pass_on(dt.datetime(2026, 3, 9, 8, 59, tzinfo=dt.UTC))
    assert len(mail.outbox) == 1
    monday = dt.datetime(2026, 3, 9, 9, 0, tzinfo=dt.UTC)
    pass_on(monday)
    assert mail.outbox[1].subject == "Re: Hello Ann"
    assert mail.outbox[1].extra_headers["In-Reply-To"] == first.extra_headers["Message-ID"]
    pass_on(monday + dt.timedelta(days=1))
    task = Task.objects.get()
    assert (task.title, task.owner, task.kind) == ("Call Ann", sender, "call")
    assert states() == ["finished"] and told(ann) == ["enrolled", "finished"]
    pass_on(monday + dt.timedelta(days=30))
    assert len(mail.outbox) == 2 and Task.objects.count() == 1


def test_a_link_takes_whoever_follows_it_out_of_the_sequence(client, sequence, sender, ann):
    put_in(sequence, [ann], sender)
    pass_on(NOW)
    link = mail.outbox[0].extra_headers["List-Unsubscribe"].strip("<>").removeprefix(settings.PUBLIC_URL)
    assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert states() == ["unsubscribed"] and told(ann) == ["enrolled", "unenrolled"]
    assert put_in(sequence, [ann], sender).refused == {ann.pk: "sequence_unsubscribed"}


def test_nobody_is_in_two_sequences_or_without_address_or_sender(sequence, sender, ann):
    others = [Contact.objects.create(email=f"c{i}@example.com") for i in range(3)]
    blank = Contact.objects.create(first_name="Bo")
    put_in(sequence, [ann], sender)
    away = type(sender).objects.create(username="old", email="old@ours.example", is_active=False)
    silent = type(sender).objects.create(username="silent")
    asked = {
        ann.pk: Sending(sender), blank.pk: Sending(sender), others[0].pk: None, others[1].pk: Sending(away),
        others[2].pk: Sending(silent), 0: Sending(sender),
    }  # fmt: skip
    done = enroll(sequence, asked, now=NOW)
    assert done.made == {} and done.refused == {
        ann.pk: "in_sequence", blank.pk: "sequence_no_address", others[0].pk: "sequence_no_sender",
        others[1].pk: "sequence_sender_inactive", others[2].pk: "sequence_sender_address", 0: "record_deleted",
    }  # fmt: skip
    assert put_in(sequence, others[2:], silent, address="team@ours.example").made
    sequence.active = False
    assert set(put_in(sequence, others[:2], sender).refused.values()) == {"sequence_off"}


def answer_marketing(ann: Any) -> None:
    happen("email_replied", "contact", [ann.pk], properties={"email": "May"}, now=NOW)


def write_answer(ann: Any) -> None:
    email = Email.objects.create(subject="Re: Hello", direction="incoming", sender=ann.email)
    associate("email", "contact", [(email.pk, ann.pk)])
    dispatch(NOW)


def bounce(ann: Any) -> None:
    happen("email_bounced", "contact", [ann.pk], properties={"email": "May", "bounce": "hard"}, now=NOW)


def book(ann: Any) -> None:
    meeting = Meeting.objects.create(title="Demo", starts_at=NOW + dt.timedelta(days=2))
    associate("meeting", "contact", [(meeting.pk, ann.pk)])
    dispatch(NOW)


def opt_out(ann: Any) -> None:
    kind = SequenceEnrollment.objects.get().sequence.subscription
    set_status([ann.pk], Wish(kind, "unsubscribed"), source=Subscription.Source.ADMIN, now=NOW)


@pytest.mark.covers("EVT-25", "EVT-26")
@pytest.mark.parametrize(
    ("happening", "state"),
    [(answer_marketing, "replied"), (write_answer, "replied"), (bounce, "bounced"), (book, "meeting"),
     (opt_out, "unsubscribed")],
)  # fmt: skip
def test_what_the_contact_does_ends_it_and_what_had_not_left_does_not_leave(happening, state, sequence, sender, ann):
    put_in(sequence, [ann], sender)
    moving.work(NOW)
    happening(ann)
    assert states() == [state]
    assert told(ann) == ["enrolled", "unenrolled"] + ["meeting_booked"] * (state == "meeting")
    pass_on(NOW + dt.timedelta(days=10))
    assert mail.outbox == [] and Delivery.objects.get().state == "skipped"
    assert Email.objects.get(direction="outgoing").status == "failed"
    assert SequenceEnrollment.objects.get().due_at is None


@pytest.mark.parametrize(
    ("headers", "state"), [({"Auto-Submitted": "auto-replied"}, "active"), ({"X-Autoreply": "yes"}, "active"),
                           ({"Auto-Submitted": "no"}, "replied")],
)  # fmt: skip
def test_a_mail_service_hands_over_an_answer_and_a_notice_of_absence_is_none(headers, state, sequence, sender, ann):
    put_in(sequence, [ann], sender)
    message = AnymailInboundMessage.construct(
        from_email=ann.email, to=sender.email, subject="Re: Hello Ann", text="Back on Monday", headers=headers
    )
    inbound.send(None, event=AnymailInboundEvent(event_type="inbound", message=message), esp_name="Postmark")
    assert states() == [state]
    assert Email.objects.filter(direction="incoming").count() == (state == "replied")


def test_a_hard_bounce_a_mail_service_tells_of_is_learned(sequence, sender, ann):
    put_in(sequence, [ann], sender)
    event = AnymailTrackingEvent(
        event_type="bounced", reject_reason="bounced", recipient="Ann@Example.com", mta_response="550 nobody",
        metadata={"sequence": str(SequenceEnrollment.objects.get().pk)}, tags=[],
    )  # fmt: skip
    tracking.send(None, event=event, esp_name="Postmark")
    found = BouncedAddress.objects.get()
    assert (states(), found.address, found.reason) == (["bounced"], "ann@example.com", "550 nobody")


def test_an_old_answer_that_is_entered_later_ends_nothing(sequence, sender, ann):
    put_in(sequence, [ann], sender)
    email = Email.objects.create(subject="Hi", direction="incoming", sent_at=NOW - dt.timedelta(days=30))
    associate("email", "contact", [(email.pk, ann.pk)])
    dispatch(NOW)
    assert states() == ["active"]


@pytest.mark.parametrize("away", ["unsubscribed", "deleted", "bounced"])
def test_the_last_email_is_asked_about_once_more_before_it_leaves(away, sequence, sender, ann):
    sequence.steps.exclude(position=0).delete()
    put_in(sequence, [ann], sender)
    moving.work(NOW)
    assert states() == ["finished"]
    if away == "deleted":
        Contact.objects.update(deleted_at=NOW)
    elif away == "bounced":
        BouncedAddress.objects.create(address=ann.email, bounced_at=NOW)
    else:
        opt_out(ann)
    pass_on(NOW)
    delivery = Delivery.objects.get()
    assert (mail.outbox, delivery.state, delivery.done_at) == ([], "skipped", NOW)
    sentence = {
        "unsubscribed": "has unsubscribed from these emails", "deleted": "had left the sequence",
        "bounced": "address comes back",
    }  # fmt: skip
    assert sentence[away] in delivery.last_error
    assert Email.objects.get().status == "failed"


def test_what_was_given_up_and_is_sent_again_does_not_reach_who_has_left(sequence, sender, ann):
    put_in(sequence, [ann], sender)
    moving.work(NOW)
    Delivery.objects.update(state="dead", last_error="SMTPServerDisconnected")
    unenroll([ann.pk], now=NOW)
    Delivery.objects.update(state="pending", due_at=NOW)
    pass_on(NOW)
    assert mail.outbox == [] and Delivery.objects.get().state == "skipped"


def test_an_email_that_waits_goes_to_the_address_the_contact_has_when_it_leaves(sequence, sender, ann):
    put_in(sequence, [ann], sender)
    moving.work(NOW)
    Contact.objects.filter(pk=ann.pk).update(email="ann@new.example")
    pass_on(NOW)
    [message] = mail.outbox
    assert message.to == ["ann@new.example"]
    assert Delivery.objects.get().request["to"] == "ann@new.example"


def test_an_email_that_waits_does_not_leave_once_the_contact_has_no_address(sequence, sender, ann):
    put_in(sequence, [ann], sender)
    moving.work(NOW)
    Contact.objects.filter(pk=ann.pk).update(email=None)
    pass_on(NOW)
    assert mail.outbox == [] and "has no email address" in Delivery.objects.get().last_error


def test_the_sender_may_have_an_address_on_an_international_domain(sequence, sender, ann):
    put_in(sequence, [ann], sender, address="info@bücher.example")
    pass_on(NOW)
    assert mail.outbox[0].from_email == "Amy Field <info@xn--bcher-kva.example>"
    assert mail.outbox[0].extra_headers["Message-ID"].endswith("@xn--bcher-kva.example>")


def test_a_sender_whose_name_came_with_line_breaks_can_send(sequence, sender, ann):
    sender.first_name = "Amy\r\nBcc: all@example.com"
    sender.save()
    put_in(sequence, [ann], sender)
    pass_on(NOW)
    message = mail.outbox[0].message()
    assert message["Bcc"] is None and "amy@ours.example" in message["From"]


@pytest.mark.covers("COM-02")
def test_who_is_unenrolled_gets_nothing_more_and_can_be_enrolled_again(sequence, sender, ann):
    put_in(sequence, [ann], sender)
    assert unenroll([ann.pk], sequence=sequence.pk + 1, now=NOW) == set()
    assert unenroll([ann.pk], by=sender, now=NOW) == {ann.pk}
    pass_on(NOW)
    assert mail.outbox == [] and SequenceEnrollment.objects.get().ended_by == sender
    assert Delivery.objects.filter(done_at=None).count() == 0
    put_in(sequence, [ann], sender)
    assert states() == ["unenrolled", "active"]


def test_a_mail_that_is_given_up_ends_it_and_one_that_has_not_left_holds_the_next(sequence, sender, ann):
    put_in(sequence, [ann], sender)
    moving.work(NOW)
    SequenceEnrollment.objects.update(due_at=NOW)
    moving.work(NOW)
    assert SequenceEnrollment.objects.get().due_at == NOW + moving.LATER and SequenceRun.objects.count() == 1
    Delivery.objects.update(state="dead", last_error="SMTPRecipientsRefused: 550 no such user")
    assert moving.waiting_since(NOW) == NOW
    moving.work(NOW)
    assert states() == ["bounced"] and moving.waiting_since(NOW) is None


def test_an_address_the_mail_server_does_not_know_is_learned_and_not_enrolled(postbox, sequence, sender):
    ann = Contact.objects.create(email="Ann@example.com", first_name="Ann")
    postbox.refuses.add(ann.email)
    put_in(sequence, [ann], sender)
    pass_on(NOW)
    assert states() == ["bounced"] and BouncedAddress.objects.get().address == "ann@example.com"
    assert put_in(sequence, [ann], sender).refused == {ann.pk: "sequence_bounced"}
    BouncedAddress.objects.all().delete()
    assert put_in(sequence, [ann], sender).made


def test_on_weekends_nothing_is_sent_where_only_workdays_count(sequence, sender, ann):
    saturday = dt.datetime(2026, 3, 7, 10, 0, tzinfo=dt.UTC)
    put_in(sequence, [ann], sender, now=saturday)
    SequenceEnrollment.objects.update(due_at=saturday)
    pass_on(saturday)
    assert mail.outbox == []
    assert SequenceEnrollment.objects.get().due_at == saturday + dt.timedelta(days=2)


def test_steps_that_move_or_go_are_neither_repeated_nor_waited_for(sequence, sender, ann):
    put_in(sequence, [ann], sender)
    pass_on(NOW)
    first, second, third = sequence.steps.all()
    sequence.steps.update(position=F("position") * 10)
    first.position = 15
    first.save()
    second.delete()
    pass_on(NOW + dt.timedelta(days=10))
    assert SequenceEnrollment.objects.get().step == third
    pass_on(NOW + dt.timedelta(days=20))
    assert states() == ["finished"] and len(mail.outbox) == 1


def test_who_cannot_get_a_step_stops_alone(sequence, sender, ann):
    bo = Contact.objects.create(email="bo@example.com", first_name="Bo")
    cy = Contact.objects.create(email="cy@example.com", first_name="Cy")
    put_in(sequence, [ann, bo, cy], sender)
    Contact.objects.filter(pk=bo.pk).update(deleted_at=NOW)
    with connection.cursor() as cursor:
        cursor.execute(POISON)
    moving.work(NOW)
    ends = SequenceEnrollment.objects.order_by("pk").values_list("status", "reason")
    assert list(ends) == [("active", ""), ("stopped", "contact_deleted"), ("stopped", "unexpected")]
    assert [one.title for one in SequenceRun.objects.all()] == ["Hello Ann"]


#: Nothing can be written down about one of the contacts.
POISON = """
    CREATE FUNCTION pg_temp.poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.title = 'Hello Cy' THEN RAISE EXCEPTION 'no'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER poison BEFORE INSERT ON crm_sequencerun FOR EACH ROW EXECUTE FUNCTION pg_temp.poison()
"""


def test_a_merged_contact_keeps_its_own_place(sequence, sender, ann, boss):
    bo = Contact.objects.create(email="bo@example.com")
    put_in(sequence, [ann, bo], sender)
    merge(object_types["contact"], ann.pk, bo.pk, by=boss, now=NOW)
    found = SequenceEnrollment.objects.order_by("pk").values_list("contact", "status", "reason")
    assert list(found) == [(ann.pk, "active", ""), (ann.pk, "unenrolled", "merged")]


def test_a_worker_that_dies_in_the_middle_loses_and_repeats_nothing(sequence, sender, ann):
    bo = Contact.objects.create(email="bo@example.com")
    put_in(sequence, [ann, bo], sender)
    with connection.cursor() as cursor:
        cursor.execute(DIE)
        with pytest.raises(DatabaseError):
            moving.move(NOW)
        assert not Delivery.objects.exists() and not Email.objects.exists() and not SequenceRun.objects.exists()
        cursor.execute("DROP TRIGGER die ON crm_sequenceenrollment")
    pass_on(NOW)
    pass_on(NOW)
    assert sorted(one.to[0] for one in mail.outbox) == ["ann@example.com", "bo@example.com"]


#: The last statement of a pass fails, as if the connection broke: mails, runs and emails are written by then.
DIE = """
    CREATE FUNCTION pg_temp.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.step_id IS DISTINCT FROM OLD.step_id THEN RAISE EXCEPTION 'gone' USING ERRCODE = '57P01'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER die BEFORE UPDATE ON crm_sequenceenrollment FOR EACH ROW EXECUTE FUNCTION pg_temp.die()
"""


@pytest.mark.django_db(transaction=True)
def test_workers_share_what_is_due_and_each_step_is_taken_once(sequence, sender):
    people = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com") for i in range(60))
    put_in(sequence, people, sender)

    def work() -> None:
        while moving.move(NOW, limit=7):
            pass
        connections.close_all()

    workers = [threading.Thread(target=work) for _number in range(3)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    while moving.move(NOW):
        pass
    assert SequenceRun.objects.count() == Delivery.objects.count() == Email.objects.count() == 60
    assert set(SequenceEnrollment.objects.values_list("step__position", flat=True)) == {1}
