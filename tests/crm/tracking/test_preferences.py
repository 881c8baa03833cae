"""The page on which contacts say which mail they want, without a login."""

from __future__ import annotations

import pytest

from crm.models import Contact, Subscription, SubscriptionChange, SubscriptionType
from crm.tracking.links import mail_link, open_pixel
from crm.tracking.recording import record_hits
from crm.tracking.unsubscribing import list_unsubscribe, preferences_link
from records.clock import database_now
from records.merging.performing import merge
from records.models import Event
from records.object_types import object_types
from records.saving import delete_records, restore_records

pytestmark = pytest.mark.django_db


@pytest.fixture
def types(db):
    SubscriptionType.objects.all().delete()
    made = [
        SubscriptionType.objects.create(slug=slug, name=slug.title(), description=f"About {slug}")
        for slug in ("news", "offers")
    ]
    SubscriptionType.objects.create(slug="old", name="Old", active=False)
    SubscriptionType.objects.create(slug="texts", name="Texts", channel="sms")
    return made


@pytest.fixture
def ann(db):
    return Contact.objects.create(email="ann@example.com", first_name="Ann")


def status_of(contact: Contact) -> dict[str, str]:
    return dict(Subscription.objects.filter(contact=contact).values_list("type", "status"))


@pytest.mark.covers("EVT-13")
def test_a_contact_chooses_and_the_choice_is_proved_and_told(client, types, ann):
    link = preferences_link(ann.pk, "news", "May")
    shown = client.get(link).content.decode()
    assert "Offers" in shown and "Old" not in shown and "Texts" not in shown and "ann@example.com" not in shown
    assert not Subscription.objects.exists()
    assert "Your choice is saved." in client.post(link, {"type": ["news", "texts", "nonsense"]}).content.decode()
    assert status_of(ann) == {"news": "subscribed", "offers": "unsubscribed"}
    proof = SubscriptionChange.objects.get(type="news")
    assert (proof.source, proof.legal_basis, proof.changed_by) == ("contact", "consent", None)
    client.post(link, {"type": ["news"], "none": "1"})
    assert status_of(ann) == {"news": "unsubscribed", "offers": "unsubscribed"}
    told = Event.objects.filter(event="subscription_updated").order_by("id").values_list("properties", flat=True)
    assert [(facts["subscription"], facts["state"]) for facts in told] == [
        ("news", "opted_in"), ("offers", "opted_out"), ("news", "opted_out")
    ]  # fmt: skip
    assert Event.objects.filter(event="email_unsubscribed").values_list("properties", flat=True)[0] == {"email": "May"}


def test_one_click_of_a_mail_program_unsubscribes_from_what_the_mail_was_about(client, types, ann):
    link = preferences_link(ann.pk, "news")
    headers = list_unsubscribe(f"https://crm.example.com{link}")
    assert headers["List-Unsubscribe"] == f"<https://crm.example.com{link}>"
    answer = client.post(link, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert status_of(ann) == {"news": "unsubscribed"}
    client.post(preferences_link(ann.pk), {"List-Unsubscribe": "One-Click"})
    assert status_of(ann) == {"news": "unsubscribed", "offers": "unsubscribed", "old": "unsubscribed"}


def test_looking_at_the_page_changes_nothing(client, types, ann):
    for method in (client.get, client.head):
        assert method(preferences_link(ann.pk, "news")).status_code == 200
    assert client.delete(preferences_link(ann.pk)).status_code == 405
    assert client.post(preferences_link(ann.pk), {"type": "x" * 20_000}).status_code == 413
    assert not Subscription.objects.exists()


def test_a_link_that_was_changed_is_broken(client, types, ann):
    answer = client.get(preferences_link(ann.pk)[:-3] + "xx/")
    assert answer.status_code == 404
    assert client.post(preferences_link(ann.pk)[:-3] + "xx/", {"List-Unsubscribe": "One-Click"}).status_code == 404


def test_who_was_deleted_can_still_unsubscribe_and_it_holds_when_they_are_restored(client, types, ann):
    link = preferences_link(ann.pk, "news", "May")
    client.post(link, {"type": ["news", "offers"]})
    delete_records(object_types["contact"], [ann.pk])
    assert "Offers" in client.get(link).content.decode()
    assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert restore_records(object_types["contact"], [ann.pk])
    assert status_of(ann) == {"news": "unsubscribed", "offers": "subscribed"}
    assert "Your choice is saved." in client.post(link, {"none": "1"}).content.decode()
    assert status_of(ann) == {"news": "unsubscribed", "offers": "unsubscribed"}


def test_an_old_link_is_about_whoever_has_the_address_now_too(client, types, ann):
    link = preferences_link(ann.pk, "news")
    delete_records(object_types["contact"], [ann.pk])
    again = Contact.objects.create(email="ann@example.com")
    stranger = Contact.objects.create(email="bob@example.com")
    client.post(preferences_link(again.pk), {"type": ["news"]})
    client.post(link, {"List-Unsubscribe": "One-Click"})
    assert status_of(again)["news"] == status_of(ann)["news"] == "unsubscribed"
    assert status_of(stranger) == {}


def test_of_whom_nothing_is_left_nothing_has_to_be_unsubscribed(client, types, ann):
    link = preferences_link(ann.pk, "news")
    ann.delete()
    assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert "You get none." in client.get(link).content.decode()
    assert client.post(link, {"type": ["news"]}).status_code == 200
    assert not Subscription.objects.exists()


def test_links_in_mails_to_deleted_contacts_lead_on(client, ann):
    link = mail_link(ann.pk, "https://www.example.com/offer?a=1", "May")
    for gone in (False, True):
        if gone:
            ann.delete()
        else:
            delete_records(object_types["contact"], [ann.pk])
        answer = client.get(link)
        assert (answer.status_code, answer["Location"]) == (302, "https://www.example.com/offer?a=1")
        assert client.get(open_pixel(ann.pk or 1, "May")).status_code == 200
    assert record_hits(database_now()) == 4
    assert not Event.objects.filter(event__startswith="email_").exists()


def test_somebody_who_asks_too_often_waits(client, settings, types, ann):
    settings.TRACKING_REQUEST_LIMIT = 0
    assert client.post(preferences_link(ann.pk), {}).status_code == 429
    assert not Subscription.objects.exists()


def test_a_link_in_a_mail_to_a_contact_that_was_merged_is_about_what_it_went_into(client, types, ann):
    old = Contact.objects.create(email="old@example.com")
    link = preferences_link(old.pk, "news")
    merge(object_types["contact"], ann.pk, old.pk, now=database_now())
    assert client.get(link).status_code == 200
    client.post(link, {"List-Unsubscribe": "One-Click"})
    assert status_of(ann) == {"news": "unsubscribed"}
