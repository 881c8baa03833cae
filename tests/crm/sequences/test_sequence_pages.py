"""Sequences are built, looked at and used by hand in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from crm.models import Sequence, SequenceEnrollment
from crm.sequences.enrolling import Sending, enroll
from records.models import Access, PropertyAccess
from tests.crm.sequences.conftest import NOW

pytestmark = pytest.mark.django_db
ADD = "/admin/crm/sequence/add/"


def posted(kind, steps, **facts):
    data = {
        "name": "Warm up", "slug": "", "active": "on", "subscription": kind.pk, "time_zone": "Europe/Stockholm",
        "workdays": "on", "thread": "on", "steps-TOTAL_FORMS": len(steps), "steps-INITIAL_FORMS": 0,
        "steps-MIN_NUM_FORMS": 0, "steps-MAX_NUM_FORMS": 1000, **facts,
    }  # fmt: skip
    for number, step in enumerate(steps):
        base = {
            "kind": "email",
            "days": 0,
            "at": "",
            "subject": "",
            "body": "",
            "task_kind": "todo",
            "priority": "none",
        }
        for name, value in {**base, "position": number, **step}.items():
            data[f"steps-{number}-{name}"] = value
    return data


def test_a_sequence_is_built_on_one_page(admin_page, kind):
    assert admin_page.get(ADD).status_code == 200
    steps = [
        {"subject": "Hi {{ contact.first_name }}", "body": "I am {{ sender.name }}"},
        {"days": 3, "at": "09:30", "body": "Me again"},
        {"kind": "task", "days": 1, "subject": "Call {{ contact.last_name }}", "task_kind": "call"},
    ]
    answer = admin_page.post(ADD, posted(kind, steps))
    assert answer.status_code == 302, answer.context["errors"]
    made = Sequence.objects.get()
    assert (made.slug, str(made.time_zone)) == ("warm_up", "Europe/Stockholm")
    assert list(made.steps.values_list("kind", "days", "body")) == [
        ("email", 0, "I am {{ sender.name }}"), ("email", 3, "Me again"), ("task", 1, ""),
    ]  # fmt: skip
    assert "{{ contact.email }}" in admin_page.get(f"/admin/crm/sequence/{made.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ([{"body": "x"}], "no subject"),
        ([{"subject": "x"}], "no text"),
        ([{"kind": "task", "body": "x"}], "no title"),
        ([{"subject": "x", "body": "{{ contact.nothing }}"}], "There is no token"),
        ([{"subject": "x", "body": "{% if %}"}], "cannot stand in a text"),
        ([{"subject": "x", "body": "x", "days": 366}], "365"),
    ],
)
def test_what_cannot_be_sent_is_not_saved(steps, fault, admin_page, kind):
    answer = admin_page.post(ADD, posted(kind, steps))
    assert answer.status_code == 200 and fault in answer.content.decode()
    assert not Sequence.objects.exists()


def test_nobody_writes_of_what_they_may_not_see(client, kind, seller):
    allow(seller, "add_sequence", "view_sequence", "change_sequence")
    group = seller.groups.create(name="Sellers")
    PropertyAccess.objects.create(group=group, object_type="contact", property="phone", level=Access.NONE)
    client.force_login(seller)
    answer = client.post(ADD, posted(kind, [{"subject": "x", "body": "{{ contact.phone }}"}]))
    assert answer.status_code == 200 and not Sequence.objects.exists()


def test_the_list_of_enrollments_is_no_way_to_guess_what_is_hidden(client, seller, sequence, sender, ann):
    allow(seller, "view_contact", "view_sequenceenrollment")
    enroll(sequence, {ann.pk: Sending(sender)}, now=NOW)
    client.force_login(seller)
    found = "/admin/crm/sequenceenrollment/?q=ann%40example"
    assert f"/sequenceenrollment/{SequenceEnrollment.objects.get().pk}/" in client.get(found).content.decode()
    group = seller.groups.create(name="Sellers")
    PropertyAccess.objects.create(group=group, object_type="contact", property="email", level=Access.NONE)
    assert f"/sequenceenrollment/{SequenceEnrollment.objects.get().pk}/" not in client.get(found).content.decode()


def allow(user, *names):
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))


def test_a_contact_is_enrolled_and_unenrolled_on_its_page(admin_page, boss, sequence, sender, ann):
    page = f"/admin/crm/contact/{ann.pk}/"
    assert "Not in any sequence yet" in admin_page.get(f"{page}change/").content.decode()
    said = {"sequence": sequence.pk, "sender": sender.pk, "from_address": ""}
    assert "was enrolled in" in admin_page.post(f"{page}sequence/", said, follow=True).content.decode()
    found = SequenceEnrollment.objects.get()
    assert (found.enrolled_by, found.from_address) == (boss, "amy@ours.example")
    again = admin_page.post(f"{page}sequence/", said, follow=True).content.decode()
    assert "nobody is in two at a time" in again and "Unenroll from the sequence" in again
    assert "was unenrolled" in admin_page.post(f"{page}sequence_end/", follow=True).content.decode()
    one = admin_page.get(f"/admin/crm/sequenceenrollment/{found.pk}/change/").content.decode()
    assert "Unenrolled" in one and "Ada Boss" in one


def test_who_is_in_a_sequence_is_listed_counted_and_taken_out(admin_page, sequence, sender, ann):
    admin_page.post(f"/admin/crm/contact/{ann.pk}/sequence/", {"sequence": sequence.pk, "sender": sender.pk})
    assert "<th" in admin_page.get("/admin/crm/sequence/").content.decode()
    builder = admin_page.get(f"/admin/crm/sequence/{sequence.pk}/change/").content.decode()
    listed = f"/admin/crm/sequenceenrollment/?sequence__id__exact={sequence.pk}"
    assert f"{listed}&amp;status__exact=active" in builder and "cannot be deleted" in builder
    assert admin_page.post(f"/admin/crm/sequence/{sequence.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "Ann" in admin_page.get(f"{listed}&status__exact=active").content.decode()
    act = {"action": "unenroll", "_selected_action": SequenceEnrollment.objects.get().pk}
    assert "1 contact was unenrolled" in admin_page.post(listed, act, follow=True).content.decode()
    assert SequenceEnrollment.objects.get().status == "unenrolled"


def test_who_may_only_look_enrolls_nobody(client, seller, sequence, sender, ann):
    allow(seller, "view_contact", "view_sequenceenrollment")
    client.force_login(seller)
    page = f"/admin/crm/contact/{ann.pk}/"
    shown = client.get(f"{page}change/").content.decode()
    assert "Not in any sequence yet" in shown and "Enroll in sequence" not in shown
    assert client.post(f"{page}sequence/", {"sequence": sequence.pk, "sender": sender.pk}).status_code == 403
    assert client.post(f"{page}sequence_end/").status_code == 403
    assert client.get("/admin/crm/sequence/").status_code == 403
