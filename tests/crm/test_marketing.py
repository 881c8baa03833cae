"""Marketing contacts: at once in one direction, later in the other, on the page and in workflows."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.checks import run_checks
from django.urls import reverse

from crm.marketing import apply_due, next_update, set_marketing, waiting_since
from crm.models import Contact, Deal, PendingNonMarketing
from records.associations import associate
from records.merging.performing import merge
from records.models import Access
from records.object_types import object_types
from records.property_access.granting import grant
from tests.workflows import building
from workflows.definitions import parsing
from workflows.engine.taking_steps import run_due
from workflows.models import Enrollment, StepExecution
from workflows.registries import actions
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
DECEMBER = dt.date(2026, 12, 1)


def at(month, day, hour=0):
    return dt.datetime(2026, month, day, hour, tzinfo=dt.UTC)


def status_of(contact):
    contact.refresh_from_db()
    return contact.marketing_status


@pytest.mark.covers("MKT-06")
def test_the_next_update_is_the_first_or_the_renewal_date_in_the_time_zone_of_the_account(settings):
    assert next_update(NOW) == DECEMBER
    assert next_update(at(12, 1)) == dt.date(2027, 1, 1)
    settings.MARKETING_RENEWAL = "11-25"
    assert next_update(NOW) == dt.date(2026, 11, 25)
    assert next_update(at(11, 25, 12)) == DECEMBER
    settings.MARKETING_RENEWAL = "01-01"
    assert next_update(at(12, 31)) == dt.date(2027, 1, 1)
    settings.TIME_ZONE = "Pacific/Auckland"  # There it is December already.
    assert next_update(at(11, 30, 12)) == dt.date(2027, 1, 1)


def test_a_renewal_date_that_does_not_come_every_year_is_refused(settings):
    for wrong in ("02-29", "13-01", "1 March"):
        settings.MARKETING_RENEWAL = wrong
        assert [error.id for error in run_checks() if wrong in error.msg] == ["crm.E010"]


@pytest.mark.covers("MKT-06")
def test_to_marketing_is_at_once_and_to_non_marketing_waits_for_the_day():
    contact = Contact.objects.create(email="a@example.com")
    assert status_of(contact) == "non_marketing"
    assert set_marketing([contact.pk], "marketing", now=NOW).made == {contact.pk}
    assert status_of(contact) == "marketing"
    assert set_marketing([contact.pk], "non_marketing", now=NOW).due == {contact.pk: DECEMBER}
    # Asked again later, the first day stands.
    assert set_marketing([contact.pk], "non_marketing", now=at(12, 1)).same == {contact.pk}
    assert (status_of(contact), waiting_since(at(11, 30, 23)), apply_due(at(11, 30, 23))) == ("marketing", None, 0)
    assert waiting_since(at(12, 1)) == at(12, 1)
    assert (apply_due(at(12, 1)), status_of(contact)) == (1, "non_marketing")
    assert (waiting_since(at(12, 2)), PendingNonMarketing.objects.count()) == (None, 0)


@pytest.mark.covers("MKT-06")
def test_marketing_again_calls_it_off():
    contact = Contact.objects.create(email="a@example.com")
    set_marketing([contact.pk], "marketing", now=NOW)
    set_marketing([contact.pk], "non_marketing", now=NOW)
    outcome = set_marketing([contact.pk], "marketing", now=NOW)
    assert (outcome.called_off, outcome.made) == ({contact.pk}, set())
    assert (apply_due(at(12, 1)), status_of(contact)) == (0, "marketing")


def test_deleted_contacts_are_left_out_and_a_merge_keeps_the_winners_own():
    gone = Contact.objects.create(email="a@example.com", deleted_at=NOW)
    assert set_marketing([gone.pk], "marketing", now=NOW).changed == set()
    winner, loser = (Contact.objects.create(email=f"{name}@example.com") for name in "bc")
    set_marketing([winner.pk, loser.pk], "marketing", now=NOW)
    set_marketing([loser.pk], "non_marketing", now=NOW)
    merge(object_types["contact"], winner.pk, loser.pk, by=None, now=NOW)
    assert (apply_due(at(12, 1)), status_of(winner)) == (0, "marketing")


def told(steps, object_type="contact"):
    context = StepContext(parsing.parse({"format": 1, "object": object_type, "steps": steps}))
    lines = StepExecution.objects.order_by("id")
    return [actions["set_marketing_status"].tell(line.detail, line.outcome, context) for line in lines]


@pytest.mark.covers("MKT-05")
def test_the_history_tells_what_becomes_of_the_contact_and_when():
    contact = Contact.objects.create(email="a@example.com")
    steps = [
        building.step(f"s{i}", "set_marketing_status", status=status)
        for i, status in enumerate(("marketing", "marketing", "non_marketing", "non_marketing", "marketing"))
    ]
    building.enroll(building.make_workflow(steps), [contact.pk])
    run_due(building.NOW)
    assert told(steps) == [
        "Made the contact a marketing contact",
        "The contact had this status already, or was due to get it.",
        "The contact becomes non-marketing on Dec. 1, 2026, and stays a marketing contact until then",
        "The contact had this status already, or was due to get it.",
        "The contact stays a marketing contact: becoming non-marketing was called off",
    ]


@pytest.mark.covers("MKT-05", "ACG-05")
def test_workflows_for_deals_set_it_for_associated_contacts_and_later_steps_know_how_many():
    deal = Deal.objects.create(name="A")
    contacts = [Contact.objects.create(email=f"{i}@example.com") for i in range(2)]
    associate("deal", "contact", [(deal.pk, contact.pk) for contact in contacts])
    steps = [building.step("s", "set_marketing_status", of="contact", status="marketing")]
    building.enroll(building.make_workflow(steps, "deal"), [deal.pk])
    run_due(building.NOW)
    assert [status_of(contact) for contact in contacts] == ["marketing"] * 2
    assert told(steps, "deal") == ["Made 2 associated contacts marketing contacts"]
    assert Enrollment.objects.get().outputs == {"s": {"changed": 2}}


@pytest.mark.covers("MKT-06")
def test_the_contacts_page_says_from_when_and_calls_it_off(admin_client):
    contact = Contact.objects.create(email="a@example.com")
    page = reverse("admin:crm_contact_change", args=[contact.pk])
    sent = reverse("admin:crm_contact_marketing", args=[contact.pk])
    assert "Make a marketing contact" in admin_client.get(page).content.decode()
    admin_client.post(sent, {"status": "marketing"})
    assert status_of(contact) == "marketing"
    html = admin_client.post(sent, {"status": "non_marketing"}, follow=True).content.decode()
    assert "Becomes non-marketing on" in html and "Keep as a marketing contact" in html
    assert (
        "stays a marketing contact." in admin_client.post(sent, {"status": "marketing"}, follow=True).content.decode()
    )
    assert not PendingNonMarketing.objects.exists()
    assert "Choose a status" in admin_client.post(sent, {"status": "x"}, follow=True).content.decode()


def test_who_may_not_change_contacts_is_refused(client, django_user_model):
    contact = Contact.objects.create(email="a@example.com")
    client.force_login(django_user_model.objects.create(username="amy", is_staff=True))
    sent = reverse("admin:crm_contact_marketing", args=[contact.pk])
    assert client.post(sent, {"status": "marketing"}).status_code == 403
    assert status_of(contact) == "non_marketing"


def test_rights_on_the_property_count_for_the_card_too(client, django_user_model):
    contact = Contact.objects.create(email="a@example.com")
    amy = django_user_model.objects.create(username="amy", is_staff=True)
    amy.user_permissions.set(Permission.objects.filter(codename__in=("view_contact", "change_contact")))
    group = Group.objects.create(name="Sales")
    amy.groups.add(group)
    client.force_login(amy)
    page = reverse("admin:crm_contact_change", args=[contact.pk])
    sent = reverse("admin:crm_contact_marketing", args=[contact.pk])

    def seen_with(level):
        grant(group, object_types["contact"], {"marketing_status": level}, by=None, now=NOW)
        html = client.get(page).content.decode()
        answer = client.post(sent, {"status": "marketing"}).status_code
        return ("Marketing contact</h2>" in html, "Make a marketing contact" in html, answer, status_of(contact))

    assert seen_with(Access.NONE) == (False, False, 403, "non_marketing")
    assert seen_with(Access.EDIT) == (True, True, 302, "marketing")
