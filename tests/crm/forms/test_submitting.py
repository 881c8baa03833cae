"""What becomes of a form that is sent: contact, company, consents, event, enrollment."""

from __future__ import annotations

import pytest

from crm.models import Company, Contact, FormDay, FormSubmission, Subscription, SubscriptionChange, User
from records.associations import ids_of
from records.models import Change, Event, PropertyDefinition
from workflows.models import Notification

pytestmark = pytest.mark.django_db


def days(form):
    return FormDay.objects.filter(form=form).values_list("views", "submissions", "rejections").get()


@pytest.mark.covers("EVT-03")
def test_a_submission_makes_a_contact_and_tells_of_it(form, send):
    answer = send(form, email="Ann@Example.COM", job_title="Buyer")
    assert (answer.status_code, answer.url.partition("?")[0]) == (303, f"/forms/{form.token}/sent/")
    contact = Contact.objects.get()
    assert (contact.email, contact.first_name, contact.job_title) == ("ann@example.com", "Ann", "Buyer")
    event = Event.objects.get()
    assert (event.event, event.record_id) == ("form_submitted", contact.pk)
    assert event.occurred_at >= contact.created_at
    assert event.properties == {
        "form": "demo-request",
        "page": f"http://testserver/forms/{form.token}/",
        "fields": "Email: ann@example.com\nFirst name: Ann\nJob title: Buyer",
    }
    submission = FormSubmission.objects.get()
    assert submission.contact == contact
    assert submission.values["contact.job_title"] == {"label": "Job title", "value": "Buyer", "text": "Buyer"}
    assert days(form) == (0, 1, 0)
    assert Change.objects.get(object_type="contact").source == {"kind": "form", "form": form.pk}


def test_a_contact_that_is_known_is_changed_where_something_was_answered(form, send):
    known = Contact.objects.create(email="ann@example.com", first_name="Anna", job_title="Buyer", city="Oslo")
    send(form, email="ANN@example.com", first_name="Ann", job_title="")
    known.refresh_from_db()
    assert (known.first_name, known.job_title, known.city) == ("Ann", "Buyer", "Oslo")
    assert Contact.objects.count() == 1


def test_what_is_missing_or_wrong_is_said_at_its_field_and_nothing_is_stored(form, send):
    answer = send(form, email="no address", first_name="", job_title="Buyer & co")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert answer.context["answers"].errors == {
        "email": ["Enter a valid email address."],
        "first_name": ["Fill this in."],
    }
    assert 'value="Buyer &amp; co"' in page
    assert 'aria-invalid="true"' in page
    too_long = send(form, job_title="x" * 121)
    assert "120 at most" in too_long.context["answers"].errors["job_title"][0]
    assert not Contact.objects.exists()
    assert not FormSubmission.objects.exists()
    assert not Event.objects.exists()


def test_who_fills_in_the_hidden_field_is_refused_and_only_counted(form, send):
    answer = send(form, **{"your-homepage": "https://buy.example"})
    assert answer.status_code == 400
    assert "This was not accepted" in answer.content.decode()
    assert (Contact.objects.count(), FormSubmission.objects.count(), Event.objects.count()) == (0, 0, 0)
    assert days(form) == (0, 0, 1)


def test_hidden_fields_are_set_by_the_form_and_not_by_whoever_sends_it(form, send, client):
    form.fields.create(property="contact.lead_status", hidden=True, value="new", position=9)
    assert "lead_status" not in client.get(f"/forms/{form.token}/").content.decode()
    send(form, lead_status="unqualified")
    assert Contact.objects.get().lead_status == "new"


def test_a_select_offers_the_options_the_form_wants(form, send, client):
    form.fields.create(property="contact.lifecycle_stage", options=["lead", "Customer"], position=8)
    form.fields.create(property="contact.city", options=["Oslo", "Bergen"], position=9)
    asked = client.get(f"/forms/{form.token}/").context["answers"].fields
    assert [value for value, _label in asked["lifecycle_stage"].choices] == ["", "lead", "customer"]
    assert [value for value, _label in asked["city"].choices] == ["", "Oslo", "Bergen"]
    assert send(form, lifecycle_stage="evangelist", city="Rome").status_code == 422
    send(form, lifecycle_stage="lead", city="Oslo")
    contact = Contact.objects.get()
    assert (contact.lifecycle_stage, contact.city) == ("lead", "Oslo")


def test_custom_properties_are_asked_like_any_other(form, send):
    PropertyDefinition.objects.create(object_type="contact", slug="seats", label="Seats", type="number")
    form.fields.create(property="contact.seats", position=9)
    assert send(form, seats="many").status_code == 422
    send(form, seats="12")
    assert Contact.objects.get().custom == {"seats": 12}


def test_the_company_is_found_by_its_domain_or_made(form, send):
    for position, slug in enumerate(("name", "domain", "industry"), 5):
        form.fields.create(property=f"company.{slug}", position=position)
    acme = {"company.name": "Acme", "company.domain": "https://www.Acme.example/home", "company.industry": "Steel"}
    send(form, **acme)
    company = Company.objects.get()
    assert (company.name, company.domain, company.industry) == ("Acme", "acme.example", "Steel")
    send(form, email="ben@example.com", **acme | {"company.name": "ACME Inc", "company.industry": "Iron"})
    company.refresh_from_db()
    assert (company.name, company.industry) == ("Acme", "Steel"), "a visitor does not rewrite a company"
    contacts = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    assert ids_of("contact", contacts, "company") == {pk: [company.pk] for pk in contacts}
    send(form, email="cleo@example.com", **{"company.name": "Acme"})
    assert Company.objects.count() == 1


def test_ticked_consents_subscribe_with_legal_basis_and_words(form, send, newsletter):
    consent = form.consents.create(type=newsletter, text="Send me the news.", required=True)
    assert send(form).status_code == 422
    send(form, **{f"consent-{consent.pk}": "on", "page-address": "https://www.example.com/start"})
    wish = Subscription.objects.get()
    assert (wish.status, wish.legal_basis, wish.source) == ("subscribed", "consent", "form")
    assert wish.explanation == "Form “Demo request”: Send me the news. (on https://www.example.com/start)"
    assert FormSubmission.objects.get().consents == {"newsletter": "Send me the news."}
    assert SubscriptionChange.objects.count() == 1
    told = Event.objects.get(event="subscription_updated")
    assert told.occurred_at >= Contact.objects.get().created_at, "who is new can enter workflows by it (TRG-33)"


def test_a_box_left_empty_takes_no_subscription_away(form, send, newsletter):
    consent = form.consents.create(type=newsletter, text="Send me the news.")
    send(form, **{f"consent-{consent.pk}": "on"})
    send(form)
    assert Subscription.objects.get().status == "subscribed"


def test_who_cannot_be_reached_over_the_channel_is_asked_for_a_number(form, send, newsletter):
    type(newsletter).objects.filter(pk=newsletter.pk).update(channel="sms")
    consent = form.consents.create(type=newsletter, text="Text me.")
    answer = send(form, **{f"consent-{consent.pk}": "on"})
    assert answer.context["answers"].errors == {
        f"consent-{consent.pk}": ["Give a phone number as well, so that we can reach you."]
    }
    assert not Contact.objects.exists()


def test_users_are_told(form, send):
    ann = User.objects.create_user("ann", is_staff=True)
    form.notify.add(ann)
    send(form)
    told = Notification.objects.get(user=ann)
    assert told.title == "ann@example.com has filled in “Demo request”"
    assert told.url.endswith(f"/{Contact.objects.get().pk}/change/")


@pytest.mark.parametrize("domain", ["http://[acme", "acme]", "℀.example"])
def test_a_domain_that_is_none_is_refused_or_kept_but_breaks_nothing(form, send, domain):
    form.fields.create(property="company.domain", position=5)
    assert send(form, **{"company.domain": domain}).status_code in (303, 422)
