"""Filters on the import through which records were added."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Company, Contact
from records import criteria, segments
from records.associations import associate
from records.clock import database_now
from records.criteria.leaves import leaf_kinds
from records.importing import running
from records.merging.performing import merge
from records.models import ImportedRecord, ImportRun, Membership, Segment
from records.object_types import object_types
from records.problems import DocumentError
from workflows.intake.dispatching import dispatch

pytestmark = pytest.mark.django_db
CONTACTS = object_types["contact"]


def imported(text: str, name: str = "people.csv") -> ImportRun:
    run = ImportRun.objects.create(object_type="contact", file_name=name, content=text.encode())
    running.start(run, {"columns": {"Email": "email", "City": "city"}, "upsert_by": "email"})
    running.work_on(run.pk, database_now(), wait=True)
    return run


def emails(*filters: Any, kind: str = "contact", join: str = "all") -> set[str]:
    compiled = criteria.compile({join: list(filters)}, object_types[kind], now=database_now())
    return {str(record.email if kind == "contact" else record) for record in compiled.records()}


def naive(run: int | str, added: bool) -> set[str]:
    """The same answer, asked record by record."""
    found = set()
    for contact in Contact.objects.filter(deleted_at=None):
        rows = ImportedRecord.objects.filter(record_id=contact.pk, run__object_type="contact")
        was = any(row.added and run in ("any", row.run_id) for row in rows)
        found |= {str(contact.email)} if was == added else set()
    return found


@pytest.mark.covers("FLT-30")
def test_contacts_are_found_by_the_import_that_has_added_them() -> None:
    Contact.objects.create(email="here@example.com")
    first = imported("Email,City\na@example.com,Lund\nhere@example.com,Lund\n")
    second = imported("Email,City\nb@example.com,Umea\na@example.com,Umea\n", "more.csv")
    for run in (first.pk, second.pk, "any"):
        assert emails({"import": run, "operator": "was_added"}) == naive(run, True)
        assert emails({"import": run, "operator": "was_not_added"}) == naive(run, False)
    assert naive(first.pk, True) == {"a@example.com"} and naive("any", False) == {"here@example.com"}
    told = set(ImportedRecord.objects.filter(run=second).values_list("added", flat=True))
    assert told == {True, False}, "who was changed is kept as well"
    assert emails({"import": str(first.pk), "operator": "was_added"}) == {"a@example.com"}
    (_any, label), *listed = leaf_kinds["import"].choices(CONTACTS)
    assert label == "any import" and dict(listed)[str(first.pk)].startswith("people.csv, ")


@pytest.mark.covers("FLT-30")
def test_the_filter_says_what_it_asks_and_why_a_record_passes_through_associations_too() -> None:
    run = imported("Email,City\na@example.com,Lund\n")
    company = Company.objects.create(name="Acme")
    associate("contact", "company", [(Contact.objects.get().pk, company.pk)])
    inside = {"association": "contact", "all": [{"import": run.pk, "operator": "was_added"}]}
    assert emails(inside, kind="company") == {"Acme"}
    compiled = criteria.compile({"all": [{"import": run.pk, "operator": "was_added"}]}, CONTACTS, now=database_now())
    assert "was added by the import “people.csv, " in compiled.text


def test_what_is_no_import_into_the_type_is_refused_with_the_ones_there_are() -> None:
    run = imported("Email,City\na@example.com,Lund\n")
    for kind, value, operator in (
        ("contact", 0, "was_added"),
        ("deal", run.pk, "was_added"),
        ("contact", True, "was_added"),
        ("contact", "١", "was_added"),
        ("contact", 10**30, "was_added"),
        ("contact", run.pk, "is"),
    ):
        with pytest.raises(DocumentError):
            criteria.compile(
                {"all": [{"import": value, "operator": operator}]}, object_types[kind], now=database_now()
            )


@pytest.mark.covers("FLT-30")
def test_segments_follow_imports_by_the_journal_and_merges() -> None:
    run = imported("Email,City\na@example.com,Lund\n")
    node = {"import": run.pk, "operator": "was_added"}
    segment = segments.create({"all": [node]}, CONTACTS, now=database_now())
    assert segments.fill(segment, database_now()) == 1
    again = segments.create({"all": [{"import": "any", "operator": "was_added"}]}, CONTACTS, now=database_now())
    segments.fill(again, database_now())
    more = imported("Email,City\nb@example.com,Lund\n")
    follow()
    assert members(again) == {"a@example.com", "b@example.com"} and members(segment) == {"a@example.com"}
    by_hand = Contact.objects.create(email="hand@example.com")
    added = Contact.objects.get(email="a@example.com")
    follow()
    merge(CONTACTS, by_hand.pk, added.pk, now=database_now())
    follow()
    assert members(segment) == {"hand@example.com"} and members(again) == {"hand@example.com", "b@example.com"}
    more.delete()
    assert not ImportedRecord.objects.filter(record_id=Contact.objects.get(email="b@example.com").pk).exists()


def follow() -> None:
    while dispatch(database_now()):
        pass


def members(segment: Segment) -> set[str]:
    ids = Membership.objects.filter(segment=segment).values_list("record_id", flat=True)
    return set(Contact.objects.filter(pk__in=ids).values_list("email", flat=True))
