"""Forms are open to everybody: what they answer does not tell which records there are."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from crm.models import Company, Contact, Form, FormDay, FormSubmission, Subscription, SubscriptionType, User
from records.defining import define
from records.models import PropertyDefinition
from tests.crm.forms.conftest import make_form

pytestmark = pytest.mark.django_db
KEY = re.compile(r"key=[^&\s]+")
VALUE = re.compile(r'value="[^"]*"')


def answered(response: Any) -> tuple[int, str, str]:
    """What a visitor can tell answers apart by: not by what was sent, nor by the key of the thank-you page."""
    text = "" if response.status_code in (201, 303) else VALUE.sub("", response.content.decode())
    return response.status_code, KEY.sub("key=", response.get("Location", "")), text


def custom(kind: str, slug: str, **facts: Any) -> None:
    define(PropertyDefinition(object_type=kind, slug=slug, label=slug.title(), type="text", **facts))


def both(form: Form, known: dict[str, str], new: dict[str, str]) -> None:
    """The same answer for one who sends what is known and one who sends what is new, as a form and as JSON."""
    path = f"/forms/{form.token}/"
    assert answered(Client().post(path, known)) == answered(Client().post(path, new))
    as_json = [Client().post(path, json.dumps(sent), "application/json") for sent in (known, new)]
    assert as_json[0].status_code == as_json[1].status_code
    told = [{**one.json(), "next": ""} for one in as_json]
    assert told[0] == told[1]


def test_a_value_that_somebody_else_has_is_answered_like_a_new_one(form, settings):
    settings.FORM_SUBMISSIONS_PER_10_S = 1_000
    custom("contact", "member", unique=True)
    custom("company", "vat", unique=True)
    for place, name in enumerate(("contact.member", "company.name", "company.vat"), 5):
        form.fields.create(property=name, position=place)
    Contact.objects.create(email="holder@example.com", custom={"member": "M-1"})
    Company.objects.create(name="Held", domain="held.example", custom={"vat": "V-1"})
    asked = {"first_name": "Ann", "company.name": "Ann & Co"}
    both(
        form,
        asked | {"email": "ann@example.com", "member": "M-1", "company.vat": "V-1"},
        asked | {"email": "bob@example.com", "member": "M-2", "company.vat": "V-2", "company.name": "Bob & Co"},
    )
    ann, bob = (Contact.objects.get(email=f"{name}@example.com") for name in ("ann", "bob"))
    assert (ann.first_name, ann.custom.get("member"), bob.custom["member"]) == ("Ann", None, "M-2")
    sent = FormSubmission.objects.filter(contact=ann).first().values
    assert (sent["contact.member"]["value"], sent["contact.member"]["taken"]) == ("M-1", True)
    assert "taken" not in sent["contact.email"] and sent["company.vat"]["taken"]
    # Who signs in sees what was sent, and that it is another's.
    boss = User.objects.create_superuser("boss", "boss@example.com", "not-a-secret")
    client = Client()
    client.force_login(boss)
    page = client.get(f"/admin/crm/formsubmission/{FormSubmission.objects.filter(contact=ann).first().pk}/change/")
    assert "M-1 (not kept in the record: another one has this value)" in page.content.decode()


def test_an_email_address_that_is_known_is_answered_like_a_new_one(form, settings):
    settings.FORM_SUBMISSIONS_PER_10_S = 1_000
    custom("contact", "number", required=True)
    Contact.objects.create(email="ann@example.com", custom={"number": "7"})
    Contact.objects.create(email="gone@example.com", deleted_at="2026-01-01T00:00:00Z")
    for known in ("ann@example.com", "gone@example.com"):
        both(form, {"email": known, "first_name": "A"}, {"email": f"new-{known}", "first_name": "A"})
        both(form, {"email": known}, {"email": f"new-{known}"})
        both(form, {"email": known, "first_name": "x" * 9_999}, {"email": f"more-{known}", "first_name": "x" * 9_999})
    assert Contact.objects.get(email="new-ann@example.com").custom == {}


def test_a_company_that_is_known_is_answered_like_a_new_one(form, settings):
    settings.FORM_SUBMISSIONS_PER_10_S = 1_000
    for place, name in enumerate(("company.domain", "company.name", "company.employees", "company.city"), 5):
        form.fields.create(property=name, position=place)
    Company.objects.create(name="Held", domain="held.example", employees=7, city="Ghent")
    ann = {"email": "ann@example.com", "first_name": "Ann"}
    for value in ("12", "99999999999999"):
        for city in ("Ghent", "x" * 5_000):
            sent = ann | {"company.employees": value, "company.city": city}
            both(form, sent | {"company.domain": "held.example"}, sent | {"company.domain": "new.example"})
    assert Company.objects.get(domain="held.example").employees == 7


@pytest.mark.parametrize("asks", [True, False])
def test_whether_a_number_is_known_already_is_not_told_by_a_consent(form, settings, asks):
    settings.FORM_SUBMISSIONS_PER_10_S = 1_000
    texts = SubscriptionType.objects.create(slug="texts", name="Texts", channel="sms")
    box = form.consents.create(type=texts, text="Send me texts.", legal_basis="consent")
    if asks:
        form.fields.create(property="contact.mobile", position=7)
    known = Contact.objects.create(email="ann@example.com", mobile="+46701234567")
    ticked = {"first_name": "Ann", f"consent-{box.pk}": "on"}
    both(form, ticked | {"email": "ann@example.com"}, ticked | {"email": "bob@example.com"})
    assert not Subscription.objects.exists() and known.form_submissions.count() == 0
    if asks:
        both(form, *(ticked | {"email": f"{who}@example.com", "mobile": "+46701234568"} for who in ("ann", "bob")))
        assert Subscription.objects.filter(status="subscribed").count() == 2


def test_every_attempt_counts_whatever_was_sent(form, settings):
    path = f"/forms/{form.token}/"
    settings.FORM_SUBMISSIONS_PER_10_S = 1
    # The next ten seconds may begin between two of them.
    assert [Client().post(path, "{", "application/json").status_code for _ in range(5)].count(429) >= 2
    settings.FORM_SUBMISSIONS_PER_10_S = 0
    for one in ("[]", '{"nothing": 1}', '{"email": ["a"]}', '{"email": "ann@example.com", "first_name": "A"}'):
        assert Client().post(path, one, "application/json").status_code == 429
    assert Client().post(path, {"email": "ann@example.com", "first_name": "A"}).status_code == 429
    assert not Contact.objects.exists() and FormDay.objects.get().rejections >= 7


def test_looking_at_forms_is_limited_for_each_address(form, settings):
    settings.TRACKING_REQUEST_LIMIT = 2
    own, other = f"/forms/{form.token}/", make_form("Other")
    paths = [own, f"/forms/{other.token}/?embed=1", "/forms/guessed/", f"{own}sent/", f"{own}document/"]
    answers = [Client().get(path, REMOTE_ADDR="192.0.2.77") for path in paths * 2]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert answers[0].status_code == 200 and len(refused) >= 4
    assert refused[0]["Retry-After"] == "10"
    assert Client().get(own, REMOTE_ADDR="192.0.2.78").status_code == 200
