"""The step that checks phone numbers and brings them into one form."""

from __future__ import annotations

import pytest

from crm.models import Company, Contact
from records.associations import associate
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.models import Enrollment, StepExecution

pytestmark = pytest.mark.django_db
STOCKHOLM = {"valid": True, "country": "SE", "number": "+46 8 123 456 78"}


@pytest.mark.covers("CRM-30")
@pytest.mark.parametrize(
    ("phone", "country", "outcome", "after", "output"),
    [
        ("08-123 456 78", "SE", "success", "+46812345678", STOCKHOLM),
        ("+46 8 123 456 78", "US", "success", "+46812345678", STOCKHOLM),
        ("08-123 456 78", "", "failed", "08-123 456 78", {"valid": False}),
        ("12345", "SE", "failed", "12345", {"valid": False}),
        ("", "SE", "skipped", "", {"valid": False}),
    ],
)
def test_a_number_gets_its_international_form_or_stays_as_it_is(phone, country, outcome, after, output):
    contact = Contact.objects.create(email="a@example.com", phone=phone)
    [made] = enroll(make_workflow([step("p", "format_phone", property="phone", country=country)]), [contact.pk])
    run_due(NOW)
    contact.refresh_from_db()
    assert contact.phone == after
    assert StepExecution.objects.get(enrollment=made).outcome == outcome
    kept = Enrollment.objects.get(pk=made.pk).outputs["p"]
    assert {name: kept[name] for name in output} == output


@pytest.mark.covers("CRM-30")
def test_numbers_of_associated_contacts_are_formatted_each_by_itself():
    company = Company.objects.create(name="Acme")
    people = [Contact.objects.create(phone=phone) for phone in ("08-123 456 78", "0812345679", "")]
    associate("company", "contact", [(company.pk, one.pk) for one in people])
    document = step("p", "format_phone", of="contact", property="phone", country="SE")
    [made] = enroll(make_workflow([document], "company"), [company.pk])
    run_due(NOW)
    assert list(Contact.objects.order_by("pk").values_list("phone", flat=True)) == ["+46812345678", "+46812345679", ""]
    assert StepExecution.objects.get(enrollment=made).detail["records"] == 2
