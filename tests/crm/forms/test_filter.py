"""Filters on forms: which, on which page, when and how often, of contacts and of associated contacts."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from crm.models import Company, Contact
from records import criteria
from records.associations import associate
from records.clock import database_now
from records.happening import happen
from records.object_types import object_types
from records.problems import DocumentError
from tests.crm.forms.conftest import make_form

pytestmark = pytest.mark.django_db
PRICING = "https://www.example.com/pricing"


def compiled(document, slug="contact", now=None):
    zone = ZoneInfo("UTC")
    return criteria.compile({"all": [document]}, object_types[slug], now=now or database_now(), zone=zone)


def found(document, slug="contact", now=None):
    one = compiled(document, slug, now)
    return {str(record) for record in object_types[slug].records().filter(one.q)}


@pytest.fixture
def people(db):
    make_form("Demo request")
    make_form("Newsletter")
    ann, ben, _cleo = (Contact.objects.create(email=f"{n}@example.com", first_name=n) for n in ("Ann", "Ben", "Cleo"))
    now = database_now()

    def submitted(who, form, days=0, page="https://www.example.com/start"):
        facts = {"form": form, "page": page}
        happen("form_submitted", "contact", [who.pk], properties=facts, now=now, occurred_at=now - dt.timedelta(days))

    submitted(ann, "demo-request", days=40, page=PRICING)
    submitted(ann, "demo-request")
    submitted(ben, "newsletter", days=3)
    company = Company.objects.create(name="Acme")
    associate("company", "contact", [(company.pk, ben.pk)])
    Company.objects.create(name="Other")
    return now


@pytest.mark.covers("FLT-23")
def test_contacts_are_found_by_the_forms_they_have_filled_out_or_not(people):
    assert found({"form": "demo-request", "operator": "has_filled_out"}) == {"Ann"}
    assert found({"form": "*", "operator": "has_filled_out"}) == {"Ann", "Ben"}
    assert found({"form": "*", "operator": "has_not_filled_out"}) == {"Cleo"}
    assert found({"form": "newsletter", "operator": "has_not_filled_out"}) == {"Ann", "Cleo"}


@pytest.mark.covers("FLT-23", "TRG-10")
def test_submissions_are_refined_by_date_or_by_number_and_not_by_both(people):
    any_form = {"form": "*", "operator": "has_filled_out"}
    assert found(any_form | {"refine": {"count": {"at_least": 2}}}) == {"Ann"}
    assert found(any_form | {"refine": {"within": {"days": 2}}}) == {"Ann"}
    later = people + dt.timedelta(days=5)
    assert found(any_form | {"refine": {"within": {"days": 2}}}, now=later) == set()
    with pytest.raises(DocumentError, match="one refinement"):
        compiled(any_form | {"refine": {"within": {"days": 2}, "count": {"at_least": 2}}})
    with pytest.raises(DocumentError, match="takes no refinement"):
        compiled({"form": "*", "operator": "has_not_filled_out", "refine": {"within": {"days": 2}}})


@pytest.mark.covers("FLT-24")
def test_only_submissions_on_a_page_count(people):
    on_pricing = [{"property": "page", "operator": "contains_any_of", "value": ["/pricing"]}]
    assert found({"form": "*", "operator": "has_filled_out", "where": on_pricing}) == {"Ann"}
    assert found({"form": "newsletter", "operator": "has_filled_out", "where": on_pricing}) == set()
    assert found({"form": "*", "operator": "has_not_filled_out", "where": on_pricing}) == {"Ben", "Cleo"}


def test_companies_are_found_by_what_their_contacts_have_filled_out(people):
    inside = {"association": "contact", "all": [{"form": "newsletter", "operator": "has_filled_out"}]}
    assert found(inside, "company") == {"Acme"}


def test_a_filter_reads_as_a_sentence_with_the_forms_name(people):
    where = [{"property": "page", "operator": "contains_any_of", "value": ["/pricing"]}]
    document = {"form": "demo-request", "operator": "has_filled_out", "where": where}
    told = compiled(document | {"refine": {"count": {"at_least": 2}}}).text
    assert told.startswith("has filled out the form “Demo request” with (Page contains")
    assert "at least 2 times" in told
    assert compiled({"form": "*", "operator": "has_not_filled_out"}).text == "has not filled out any form"


@pytest.mark.parametrize(
    ("document", "slug", "told"),
    [
        ({"form": "nothing", "operator": "has_filled_out"}, "contact", "There is no form 'nothing'"),
        ({"form": "*", "operator": "is"}, "contact", "cannot be filtered with the operator 'is'"),
        ({"form": "*", "operator": "has_filled_out"}, "company", "Only contacts fill in forms"),
    ],
)
def test_what_cannot_be_filtered_is_said(people, document, slug, told):
    with pytest.raises(DocumentError, match=told):
        compiled(document, slug)
