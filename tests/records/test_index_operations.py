"""A migration that makes an index while the table is in use, run again after it was interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models
from django.db.migrations.state import ProjectState

from crm.models import Company
from records.index_operations import AddIndexAgain

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "company_name_again"
ROOT = Path(__file__).resolve().parents[2]
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def valid() -> list[bool]:
    with connection.cursor() as cursor:
        cursor.execute(VALID, [NAME])
        return [row[0] for row in cursor.fetchall()]


def add() -> None:
    operation = AddIndexAgain("company", models.Index(fields=["name"], name=NAME))
    before = ProjectState.from_apps(apps)
    after = before.clone()
    operation.state_forwards("crm", after)
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("crm", editor, before, after)


def test_what_an_interrupted_one_has_left_is_made_anew_and_a_whole_one_stays() -> None:
    Company.objects.bulk_create([Company(name="Twice"), Company(name="Twice")])
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {NAME} ON crm_company (name)")
    assert valid() == [False]
    add()
    assert valid() == [True]
    add()
    assert valid() == [True]


def test_it_is_made_where_there_is_none() -> None:
    add()
    assert valid() == [True]


def test_migrations_make_no_indexes_concurrently_in_another_way() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for package in ("crm", "records", "workflows")
        for path in (ROOT / package / "migrations").glob("*.py")
        if "AddIndexConcurrently" in path.read_text()
    ]
    assert wrong == []
