"""Links between records: labelled rows, foreign keys and many-to-manys answer alike."""

from __future__ import annotations

import pytest
from django.db.models import Q
from django.utils import timezone

from crm.models import Company, Contact, Deal
from records.associations import associate, associations_of, dissociate, exists, ids_of, links_of
from records.models import Association, Change
from records.object_types import object_types
from tests.toy.models import Author, Book, Library

pytestmark = pytest.mark.django_db


def counts(slug: str, counter: str) -> dict[str, int | None]:
    """The value of a `number_of_…` property by the record's name."""
    kind = object_types[slug]
    rows = kind.records().annotate(number=kind.properties()[counter].expression())
    return {str(record): record.number for record in rows}


@pytest.fixture
def deals() -> list[Deal]:
    return Deal.objects.bulk_create([Deal(name="A"), Deal(name="B"), Deal(name="C")])


@pytest.fixture
def companies() -> list[Company]:
    return Company.objects.bulk_create([Company(name="X", city="Kiruna"), Company(name="Y", city="Malmö")])


def test_a_link_is_stored_in_both_directions_and_once(deals, companies):
    pairs = [(deals[0].pk, companies[0].pk), (deals[0].pk, companies[1].pk), (deals[1].pk, companies[1].pk)]
    assert associate("deal", "company", pairs) == 3
    assert associate("company", "deal", [(company, deal) for deal, company in pairs]) == 0
    assert associate("deal", "company", pairs[:1], "primary") == 1
    assert Association.objects.count() == 8

    assert ids_of("deal", [deal.pk for deal in deals], "company") == {
        deals[0].pk: [companies[0].pk, companies[1].pk],
        deals[1].pk: [companies[1].pk],
    }
    assert ids_of("company", [companies[1].pk], "deal") == {companies[1].pk: [deals[0].pk, deals[1].pk]}
    assert ids_of("deal", [deals[0].pk], "company", "primary") == {deals[0].pk: [companies[0].pk]}
    assert dissociate("deal", "company", pairs[:1], "primary") == 1
    assert dissociate("company", "deal", [(companies[1].pk, deals[0].pk), (companies[1].pk, deals[2].pk)]) == 1
    assert Association.objects.count() == 4


def test_one_associated_live_record_must_pass_everything(deals, companies):
    associate("deal", "company", [(deals[0].pk, companies[0].pk), (deals[0].pk, companies[1].pk)])
    associate("deal", "company", [(deals[1].pk, companies[1].pk)], "primary")

    def names(condition: Q, label: str | None = None) -> list[str]:
        found = Deal.objects.filter(exists("deal", "company", condition, label)).order_by("name")
        return [deal.name for deal in found]

    assert names(Q(city="Malmö")) == ["A", "B"]
    assert names(Q(city="Malmö", name="X")) == []
    assert names(Q(city="Malmö"), "primary") == ["B"]
    assert set(Deal.objects.exclude(exists("deal", "company", Q(city="Kiruna")))) == set(deals[1:])
    Company.objects.filter(name="Y").update(deleted_at=timezone.now())
    assert names(Q(city="Malmö")) == []
    assert names(Q()) == ["A"]


@pytest.mark.covers("TRG-26")
def test_the_number_of_links_is_blank_until_there_was_one_and_then_zero(deals, companies):
    associate("deal", "company", [(deals[0].pk, companies[0].pk), (deals[1].pk, companies[0].pk)])
    associate("deal", "company", [(deals[0].pk, companies[0].pk)], "primary")
    associate("deal", "company", [(deals[0].pk, companies[1].pk)])
    assert counts("deal", "number_of_companies") == {"A": 2, "B": 1, "C": None}

    dissociate("deal", "company", [(deals[1].pk, companies[0].pk)])
    Company.objects.filter(name="Y").update(deleted_at=timezone.now())
    assert counts("deal", "number_of_companies") == {"A": 1, "B": 0, "C": None}


def test_what_cannot_be_linked_is_refused(deals):
    with pytest.raises(ValueError, match="itself"):
        associate("deal", "deal", [(deals[0].pk, deals[0].pk)])
    with pytest.raises(LookupError, match="book"):
        associate("deal", "book", [(1, 2)])
    with pytest.raises(ValueError, match="label"):
        associate("book", "library", [(1, 2)], "primary")
    assert associate("deal", "company", []) == 0


def test_records_of_one_type_can_be_linked_with_each_other():
    one, other = Contact.objects.bulk_create([Contact(first_name="One"), Contact(first_name="Other")])
    assert associate("contact", "contact", [(one.pk, other.pk)], "spouse") == 1
    assert ids_of("contact", [other.pk], "contact") == {other.pk: [one.pk]}


@pytest.fixture
def shelf() -> tuple[list[Library], list[Book], list[Author]]:
    libraries = Library.objects.bulk_create([Library(name="North"), Library(name="South")])
    books = Book.objects.bulk_create([Book(title="A", library=libraries[0]), Book(title="B"), Book(title="C")])
    return libraries, books, Author.objects.bulk_create([Author(name="Ann"), Author(name="Bo")])


def test_native_relations_answer_the_same_questions(shelf):
    libraries, books, authors = shelf
    assert list(associations_of("book")) == ["library", "authors"]
    assert associate("library", "book", [(libraries[1].pk, books[1].pk), (libraries[1].pk, books[2].pk)]) == 2
    assert associate("book", "library", [(books[1].pk, libraries[1].pk)]) == 0
    assert associate("author", "book", [(authors[0].pk, books[0].pk), (authors[0].pk, books[1].pk)]) == 2
    assert associate("book", "author", [(books[0].pk, authors[0].pk), (books[0].pk, authors[1].pk)]) == 1

    assert ids_of("library", [library.pk for library in libraries], "book") == {
        libraries[0].pk: [books[0].pk],
        libraries[1].pk: [books[1].pk, books[2].pk],
    }
    assert ids_of("book", [books[0].pk], "author") == {books[0].pk: [authors[0].pk, authors[1].pk]}
    assert set(Library.objects.filter(exists("library", "books", Q(title="C")))) == {libraries[1]}
    assert set(Book.objects.filter(exists("book", "authors", Q(name="Bo")))) == {books[0]}
    assert set(Author.objects.filter(exists("author", "books", exists_in("South")))) == {authors[0]}
    assert dissociate("book", "library", [(books[2].pk, libraries[1].pk)]) == 1
    assert dissociate("book", "author", [(books[0].pk, authors[1].pk)]) == 1
    assert counts("library", "number_of_books") == {"North": 1, "South": 1}
    assert counts("author", "number_of_books") == {"Ann": 2, "Bo": 0}
    assert counts("book", "number_of_library") == {"A": 1, "B": 1, "C": 0}


def exists_in(library: str) -> Q:
    return Q(exists("book", "library", Q(name=library)))


def test_native_links_are_journaled_as_changes_of_both_records(shelf):
    libraries, books, authors = shelf
    Change.objects.all().delete()
    Book.objects.filter(pk=books[0].pk).update(library=libraries[1])
    books[0].authors.set([authors[0]])
    books[0].authors.clear()

    rows = Change.objects.order_by("id").values_list("object_type", "record_id", "kind", "before", "after")
    found = [(kind, pk, what, (before or after)["to_type"], (before or after)["to_id"])
             for kind, pk, what, before, after in rows]  # fmt: skip
    book, north, south, ann = books[0].pk, libraries[0].pk, libraries[1].pk, authors[0].pk
    assert sorted(found) == sorted(
        [
            ("book", book, "dissociated", "library", north),
            ("library", north, "dissociated", "book", book),
            ("book", book, "associated", "library", south),
            ("library", south, "associated", "book", book),
            ("book", book, "associated", "author", ann),
            ("author", ann, "associated", "book", book),
            ("book", book, "dissociated", "author", ann),
            ("author", ann, "dissociated", "book", book),
        ]
    )


def test_links_are_found_from_either_end_also_those_of_foreign_keys_and_of_deleted_records():
    library, book = object_types["library"], object_types["book"]
    town = Library.objects.create(name="Town")
    novel, atlas = (Book.objects.create(title=title, library=town) for title in ("Novel", "Atlas"))
    Book.objects.create(title="Stray")
    assert sorted(links_of(library, "books", own=[town.pk])) == [(town.pk, novel.pk), (town.pk, atlas.pk)]
    assert links_of(library, "books", other=[atlas.pk]) == [(town.pk, atlas.pk)]
    assert links_of(book, "library", own=[novel.pk]) == [(novel.pk, town.pk)]
    assert sorted(links_of(book, "library", other=[town.pk])) == [(novel.pk, town.pk), (atlas.pk, town.pk)]
    deal, gone = Deal.objects.create(name="D"), Contact.objects.create(email="c@example.com")
    associate("deal", "contact", [(deal.pk, gone.pk)])
    Contact.objects.update(deleted_at=timezone.now())
    assert links_of(object_types["deal"], "contact", own=[deal.pk]) == [(deal.pk, gone.pk)]
    assert links_of(object_types["deal"], "contact", other=[gone.pk]) == [(deal.pk, gone.pk)]
