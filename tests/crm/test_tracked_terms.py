"""Terms are found in transcripts whoever writes them, and in earlier calls when the terms change."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crm import tracked_terms
from crm.models import Call, Company, Contact, TrackedTerm
from records import criteria
from records.associations import associate
from records.clock import database_now
from records.models import Change
from records.object_types import object_types

pytestmark = pytest.mark.django_db


def term(slug: str, phrases: str) -> TrackedTerm:
    return TrackedTerm.objects.create(slug=slug, name=slug.title(), phrases=phrases)


def terms_of(transcript: str) -> list[str]:
    Call.objects.bulk_create([Call(title="Call", transcript=transcript)])
    return Call.objects.latest("pk").tracked_terms or []


def naive(phrases: str, transcript: str) -> bool:
    """The same answer, word by word."""
    said = [re.findall(r"\w+|[^\w\s]", line.lower()) for line in phrases.splitlines()]
    words = re.findall(r"\w+|[^\w\s]", transcript.lower())
    return any(words[i : i + len(line)] == line for line in said for i in range(len(words)))


@pytest.mark.covers("FLT-11", "FLT-12")
def test_whole_words_and_phrases_are_found_in_any_case() -> None:
    phrases = {"price": "price\nhow much", "rival": "Über-Soft", "none": "never said (at all)"}
    for slug, lines in phrases.items():
        term(slug, lines)
    for said in (
        "How\n much is it?", "The PRICE, please", "prices", "overprice", "we use über-soft today", "Never said", "",
        "never said (at all)!", "much how",
    ):  # fmt: skip
        assert terms_of(said) == sorted(slug for slug, lines in phrases.items() if naive(lines, said)), said


@pytest.mark.covers("FLT-11", "FLT-12", "FLT-10")
def test_people_and_companies_are_found_by_what_was_said_to_them() -> None:
    term("price", "price")
    ann, acme = Contact.objects.create(email="ann@example.com"), Company.objects.create(name="Acme")
    call = Call.objects.create(title="Call", transcript="What about the price?", duration=30)
    for kind, record in (("contact", ann), ("company", acme)):
        associate("call", kind, [(call.pk, record.pk)])
        said = {"property": "tracked_terms", "operator": "is_any_of", "value": ["price"]}
        longer = {"property": "duration", "operator": "is_greater_than", "value": 60}
        for inside, expected in (([said], [record]), ([said, longer], [])):
            document = {"all": [{"association": "call", "all": inside}]}
            found = criteria.compile(document, object_types[kind], now=database_now()).records()
            assert list(found) == expected
    Call.objects.filter(pk=call.pk).update(transcript="Nothing of it")
    assert Change.objects.filter(object_type="call").latest("id").after["tracked_terms"] is None


def test_nobody_writes_the_terms_by_hand() -> None:
    term("price", "price")
    call = Call.objects.create(title="Call", transcript="the price")
    Call.objects.update(tracked_terms=["made up"])
    call.refresh_from_db()
    assert call.tracked_terms == ["price"]


def test_earlier_calls_are_looked_through_some_at_a_time(admin_page: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(tracked_terms, "AT_A_TIME", 2)
    for i in range(5):
        Call.objects.create(title=f"Call {i}", transcript="the price" if i % 2 else "the cost")
    form = {"name": "Price", "slug": "price", "phrases": "  price \n\n"}
    admin_page.post("/admin/crm/trackedterm/add/", form)
    found = TrackedTerm.objects.get()
    assert found.phrases == "price" and found.searched_to == 0
    now = database_now()
    while tracked_terms.waiting_since(now):
        tracked_terms.work(now)
    assert Call.objects.filter(tracked_terms=["price"]).count() == 2
    changes = Change.objects.filter(object_type="call", kind="updated").count()
    assert changes == 2, "calls of which the answer stays are left alone"
    admin_page.post(f"/admin/crm/trackedterm/{found.pk}/change/", {"name": "Price", "phrases": "cost"})
    while tracked_terms.waiting_since(now):
        tracked_terms.work(now)
    assert set(Call.objects.filter(tracked_terms=["price"]).values_list("title", flat=True)) == {
        "Call 0", "Call 2", "Call 4",
    }  # fmt: skip
    refused = admin_page.post(f"/admin/crm/trackedterm/{found.pk}/change/", {"name": "Price", "phrases": " \n "})
    assert "at least one word" in refused.content.decode() or "required" in refused.content.decode()
    admin_page.post(f"/admin/crm/trackedterm/{found.pk}/delete/", {"post": "yes"})
    assert not Call.objects.exclude(tracked_terms=None).exists()
