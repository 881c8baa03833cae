"""A library automates its books: `python -m tests.toy_project.story` on a database made for it."""

from __future__ import annotations

import os
import sys

import django


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.toy_project.settings"
    django.setup()
    from django.test.utils import setup_databases, teardown_databases

    databases = setup_databases(verbosity=0, interactive=False)
    try:
        long_books_are_marked()
        a_connected_app_contributes_an_action()
    finally:
        teardown_databases(databases, verbosity=0)
    loaded = sorted(name for name in sys.modules if name.split(".")[0] in ("crm", "config"))
    assert not loaded, loaded
    sys.stdout.write("Every long book was marked, without a CRM.\n")


def long_books_are_marked() -> None:
    """A filter over the book and its library enrolls; the step edits; short books and other libraries stay."""
    from django.contrib.auth.models import User

    from records.clock import database_now
    from tests.toy.models import Book, Library
    from workflows import drafting
    from workflows.lifecycle import publishing
    from workflows.models import Enrollment
    from workflows.processes.ticking import tick

    librarian = User.objects.create_superuser("librarian")
    town, village = (Library.objects.create(name=name) for name in ("Town", "Village"))
    before = Book.objects.create(title="Known before", pages=900, library=town)
    definition = {
        "format": 1,
        "trigger": {
            "kind": "filter",
            "criteria": {
                "any": [
                    {
                        "all": [
                            {"property": "pages", "operator": "is_greater_than", "value": 500},
                            {
                                "association": "library",
                                "all": [{"property": "name", "operator": "is_equal_to_any_of", "value": ["Town"]}],
                            },
                        ]
                    }
                ]
            },
        },
        "steps": [{"id": "mark", "action": "edit_record", "params": {"property": "title", "value": "A long book"}}],
    }
    workflow = drafting.create("Mark long books", "book", librarian, definition=definition)
    publishing.publish(workflow, by=librarian, now=database_now(), enroll_existing=False)
    tick(database_now())
    long = Book.objects.create(title="Long", pages=600, library=town)
    short = Book.objects.create(title="Short", pages=60, library=town)
    Book.objects.bulk_create([Book(title="Elsewhere", pages=600, library=village)])
    tick(database_now())
    titles = sorted(Book.objects.values_list("title", flat=True))
    assert titles == ["A long book", "Elsewhere", "Known before", "Short"], titles
    Book.objects.filter(pk=short.pk).update(pages=501)
    tick(database_now())
    enrolled = Enrollment.objects.filter(workflow=workflow, status="completed").values_list("record_id", flat=True)
    assert sorted(enrolled) == [long.pk, short.pk]
    assert before.pk not in enrolled


def a_connected_app_contributes_an_action() -> None:
    """The action of an installed app runs like any other, and only for the records it is for."""
    from django.contrib.auth.models import User

    from records.clock import database_now
    from tests.toy.models import Book
    from workflows import drafting
    from workflows.definitions import checking
    from workflows.definitions.parsing import parse
    from workflows.enrollment import enrolling
    from workflows.lifecycle import publishing
    from workflows.processes.ticking import tick

    steps = [{"id": "stamp", "action": "stamp", "params": {"text": "Property of the library"}}]
    librarian = User.objects.get(username="librarian")
    workflow = drafting.create("Stamp", "book", librarian, definition={"format": 1, "steps": steps})
    publishing.publish(workflow, by=librarian, now=database_now(), enroll_existing=False)
    book = Book.objects.create(title="New")
    enrolling.enroll(workflow, [book.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    tick(database_now())
    assert Book.objects.get(pk=book.pk).title == "Property of the library"
    elsewhere = checking.problems(parse({"format": 1, "object": "author", "steps": steps}))
    assert [problem.path for problem in elsewhere] == ["steps.0.action"], elsewhere


if __name__ == "__main__":
    main()
