"""Saving batches: what is written, what is refused, and how many statements it takes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Company, Contact, Deal, User
from records.associations import ids_of
from records.defining import define
from records.models import Change, PropertyDefinition
from records.object_types import object_types
from records.problems import DocumentError
from records.saving import Row, delete_records, restore_records, save_batch

pytestmark = pytest.mark.django_db


def custom(slug, kind="text", **facts):
    return define(PropertyDefinition(object_type="deal", slug=slug, label=slug.title(), type=kind, **facts))


def save(slug, *rows, **options):
    return save_batch(object_types[slug], list(rows), **options)


def problems_of(slug, *rows, **options):
    with pytest.raises(DocumentError) as caught:
        save(slug, *rows, **options)
    return {problem.path: str(problem.message) for problem in caught.value.problems}


def test_columns_and_custom_properties_are_created_together():
    custom("product", "select", options=[{"value": "gtk", "label": "GTK 500"}])
    user = User.objects.create_user("ann")
    values = {"name": "A", "amount": "1,200.50", "close_date": "2026-03-01", "owner": "ann", "product": "gtk 500"}
    [saved] = save("deal", Row(values), actor=user)
    deal = Deal.objects.get(pk=saved.id)
    assert saved.status == "created"
    assert (deal.amount, deal.close_date, deal.owner) == (Decimal("1200.50"), dt.date(2026, 3, 1), user)
    assert deal.custom == {"product": "gtk"}
    change = Change.objects.get(object_type="deal", record_id=deal.pk, kind="created")
    assert (change.source["kind"], change.actor_id) == ("api", user.pk)


def test_nothing_is_written_where_nothing_changes():
    custom("size", "number")
    [first] = save("deal", Row({"name": "A", "amount": 5, "size": 2.5, "stage": "Won"}))
    before = Change.objects.count()
    [again] = save("deal", Row({"name": "A", "amount": "5.00", "size": "2.5", "stage": "won"}, id=first.id))
    assert (again.status, again.id) == ("unchanged", first.id)
    assert Change.objects.count() == before


def test_only_changed_properties_are_written(django_assert_max_num_queries):
    [first] = save("deal", Row({"name": "A", "amount": 5}))
    Deal.objects.filter(pk=first.id).update(stage="lost", custom={"other": 1})
    custom("product")
    [saved] = save("deal", Row({"name": "B", "amount": None, "product": "x"}, id=first.id))
    deal = Deal.objects.get(pk=first.id)
    assert saved.status == "updated"
    assert (deal.name, deal.amount, deal.stage, deal.custom) == ("B", None, "lost", {"other": 1, "product": "x"})
    save("deal", Row({"product": ""}, id=first.id))
    assert Deal.objects.get(pk=first.id).custom == {"other": 1}


def test_upsert_finds_by_a_unique_custom_property_and_applies_repeated_rows_in_order():
    custom("number", unique=True)
    rows = [Row({"name": "A", "number": "1"}), Row({"name": "B", "number": "2"}), Row({"name": "C", "number": "1"})]
    saved = save("deal", *rows, upsert_by="number")
    assert [one.status for one in saved] == ["created", "created", "updated"]
    assert saved[0].id == saved[2].id
    assert Deal.objects.get(pk=saved[0].id).name == "C"
    again = save("deal", Row({"name": "C", "number": "1"}), upsert_by="number")
    assert [(one.status, one.id) for one in again] == [("unchanged", saved[0].id)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'crm_deal' AND indexdef LIKE '%number%'")
        assert cursor.fetchone()[0] == 1


def test_upsert_by_a_name_several_records_have_is_refused_row_by_row():
    Company.objects.bulk_create([Company(name="Twin"), Company(name="Twin")])
    rows = [Row({"name": "Twin", "city": "Oslo"}), Row({"name": "Solo"})]
    saved = save("company", *rows, upsert_by="name", partial=True)
    assert [one.status for one in saved] == ["invalid", "created"]
    assert "2 companies have the name “Twin”" in saved[0].problems[0].message


@pytest.mark.parametrize(
    ("values", "path", "words"),
    [
        ({"name": "A", "amount": "abc"}, "0.properties.amount", "“abc” is not a number"),
        ({"name": "A", "amount": 10**17}, "0.properties.amount", "too large"),
        ({"name": "A", "colour": "red"}, "0.properties.colour", "no property “colour”"),
        ({"name": "A", "created_at": "2026-01-01"}, "0.properties.created_at", "cannot be changed"),
        ({"name": "A", "number_of_contacts": 3}, "0.properties.number_of_contacts", "cannot be changed"),
        ({"name": "A", "stage": "nirvana"}, "0.properties.stage", "not an option"),
        ({"name": "A", "owner": "nobody"}, "0.properties.owner", "no user “nobody”"),
        ({"name": "A", "close_date": "31.12.2026"}, "0.properties.close_date", "not a date"),
        ({"name": "A", "close_date": "2026-11-22garbage"}, "0.properties.close_date", "“2026-11-22garbage” is not a"),
        ({"name": "A", "close_date": "2026-11-22 25:99"}, "0.properties.close_date", "not a date"),
        ({"name": "x" * 251}, "0.properties.name", "250 at most"),
        ({"name": ""}, "0.properties.name", "must not be empty"),
        ({"amount": 5}, "0.properties.name", "required"),
    ],
)
def test_a_bad_value_is_refused_with_its_path_and_nothing_is_written(values, path, words):
    found = problems_of("deal", Row(values), Row({"name": "fine"}))
    assert words in found[path]
    assert not Deal.objects.exists()


def test_a_number_that_does_not_fit_its_column_is_refused():
    for value in ("12.5", 3_000_000_000):
        assert (
            "whole number" in problems_of("company", Row({"name": "A", "employees": value}))["0.properties.employees"]
        )


def test_unique_values_are_kept_in_the_database_and_in_the_batch():
    Contact.objects.create(email="a@example.com")
    found = problems_of(
        "contact", Row({"email": "A@example.com"}), Row({"email": "b@example.com"}), Row({"email": "b@example.com"})
    )
    assert set(found) == {"0.properties.email", "2.properties.email"}


def test_associations_are_made_once_and_checked():
    company = Company.objects.create(name="C")
    link = {"type": "company", "id": company.pk, "label": "primary"}
    [saved] = save("deal", Row({"name": "A"}, associations=[link]))
    assert ids_of(object_types["deal"], [saved.id], object_types["company"], "primary") == {saved.id: [company.pk]}
    [again] = save("deal", Row({}, id=saved.id, associations=[link]))
    assert again.status == "unchanged"
    wrong = [{"type": "company", "id": 0}, {"type": "planet", "id": 1}, {"id": 3}, {"type": "company", "id": "x"}]
    found = problems_of("deal", *(Row({"name": "B"}, associations=[one]) for one in wrong))
    assert set(found) == {
        "0.associations.0.id", "1.associations.0.type", "2.associations.0", "3.associations.0.id",
    }  # fmt: skip


def test_a_record_that_does_not_exist_or_was_deleted_cannot_be_changed():
    deal = Deal.objects.create(name="A")
    delete_records(object_types["deal"], [deal.pk])
    assert set(problems_of("deal", Row({"name": "B"}, id=deal.pk), Row({"name": "B"}, id=0))) == {"0.id", "1.id"}


def test_the_number_of_statements_does_not_grow_with_the_rows():
    custom("number", unique=True)
    companies = Company.objects.bulk_create(Company(name=f"C{i}") for i in range(200))
    User.objects.create_user("ann")

    def count(prefix, n):
        rows = [
            Row(
                {"name": f"{prefix}{i}", "number": f"{prefix}{i}", "owner": "ann", "stage": "won"},
                associations=[{"type": "company", "id": companies[i].pk}],
            )
            for i in range(n)
        ]
        with CaptureQueriesContext(connection) as first:
            save("deal", *rows, upsert_by="number")
        changed = [Row(row.properties | {"stage": "lost", "amount": 3}) for row in rows]
        with CaptureQueriesContext(connection) as second:
            save("deal", *changed, upsert_by="number")
        return len(first), len(second)

    assert count("a", 1) == count("b", 200)


def test_deleted_records_can_be_restored_unless_their_unique_value_is_taken():
    contacts = object_types["contact"]
    one = Contact.objects.create(email="a@example.com")
    assert delete_records(contacts, [one.pk]) == 1
    assert not contacts.records().exists()
    assert restore_records(contacts, [one.pk]) == 1
    delete_records(contacts, [one.pk])
    Contact.objects.create(email="a@example.com")
    with pytest.raises(DocumentError, match=r"a@example\.com"):
        restore_records(contacts, [one.pk])


def test_a_unique_value_is_as_long_as_an_index_can_hold_and_what_is_longer_is_refused():
    definition = custom("number")
    [saved] = save("deal", Row({"name": "A", "number": "å" * 501}))
    definition.unique = True
    with pytest.raises(DocumentError, match="1 of the deals has a value of more than 500 characters"):
        define(definition)
    save("deal", Row({"number": "å" * 500}, id=saved.id))
    connection.check_constraints()
    define(definition)
    assert "500 at most" in problems_of("deal", Row({"name": "B", "number": "ü" * 501}))["0.properties.number"]


def test_a_property_cannot_become_unique_while_records_share_a_value():
    definition = custom("number")
    save("deal", Row({"name": "A", "number": "1"}), Row({"name": "B", "number": "1"}))
    definition.unique = True
    with pytest.raises(DocumentError, match="2 deals share the value “1”"):
        define(definition)
    assert not PropertyDefinition.objects.get(slug="number").unique
