"""The journal sees every change, however it is made, exactly once."""

from __future__ import annotations

import io
from typing import Any

import pgtrigger
import pytest
from django.core import checks
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.models import Company, Contact, Deal
from records.associations import associate, dissociate
from records.checks import journal_triggers_installed
from records.clock import database_now
from records.journal import change_source, changes_of, values_at
from records.models import Change, PendingChange
from records.object_types import object_types
from records.signals import changes_journaled
from tests.examples import examples

pytestmark = pytest.mark.django_db
DEAL = "deal"


def journal(pk: int, kind: str = DEAL) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(kind, before, after) of one record's changes, oldest first."""
    rows = Change.objects.filter(object_type=kind, record_id=pk).order_by("id")
    return list(rows.values_list("kind", "before", "after"))


@pytest.fixture
def deal() -> Deal:
    made = Deal.objects.create(name="Boiler", stage="new", amount=100)
    PendingChange.objects.all().delete()
    Change.objects.filter(object_type=DEAL, record_id=made.pk).delete()
    return made


def by_save(deal: Deal) -> None:
    deal.stage = "won"
    deal.save()


def by_update(deal: Deal) -> None:
    Deal.objects.filter(pk=deal.pk).update(stage="won")


def by_bulk_update(deal: Deal) -> None:
    deal.stage = "won"
    Deal.objects.bulk_update([deal], ["stage"])


def by_raw_sql(deal: Deal) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE crm_deal SET stage = 'won' WHERE id = %s", [deal.pk])


def by_upsert(deal: Deal) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_deal (id, name) VALUES (%s, 'x') ON CONFLICT (id) DO UPDATE SET stage = 'won'", [deal.pk]
        )


@pytest.mark.parametrize("write", [by_save, by_update, by_bulk_update, by_raw_sql, by_upsert])
def test_an_update_is_journaled_once_however_it_is_made(deal, write):
    write(deal)

    assert journal(deal.pk) == [("updated", {"stage": "new"}, {"stage": "won"})]
    pending = PendingChange.objects.get(object_type=DEAL, record_id=deal.pk)
    assert (pending.kind, pending.properties) == ("updated", ["stage"])
    assert pending.change_id == Change.objects.get(object_type=DEAL, record_id=deal.pk).pk


def test_records_created_in_bulk_and_by_copy_are_journaled_once_each():
    Deal.objects.bulk_create([Deal(name="A", amount=5), Deal(name="B", custom={"colour": "red"})])
    with connection.cursor() as cursor, cursor.copy("COPY crm_deal (name, stage) FROM STDIN") as copy:
        copy.write_row(("C", "new"))
        copy.write_row(("D", ""))

    found = {change.after["name"]: change for change in Change.objects.filter(object_type=DEAL)}
    assert {name: change.after for name, change in found.items() if name in "ABCD"} == {
        "A": {"name": "A", "amount": 5.0},
        "B": {"name": "B", "colour": "red"},
        "C": {"name": "C", "stage": "new"},
        "D": {"name": "D"},
    }
    assert PendingChange.objects.filter(kind="created", properties=["*"]).count() == 4


def test_writing_the_same_values_journals_nothing_and_leaves_the_time_of_change(deal):
    before = Deal.objects.get(pk=deal.pk).updated_at
    deal.save()
    Deal.objects.filter(pk=deal.pk).update(stage="new", updated_at=before)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE crm_deal SET stage = stage, amount = amount")

    assert journal(deal.pk) == []
    assert not PendingChange.objects.exists()
    assert Deal.objects.get(pk=deal.pk).updated_at == before


def test_the_time_of_change_is_kept_by_the_database(deal):
    old = database_now().replace(month=1, day=1, year=2001)
    Deal.objects.filter(pk=deal.pk).update(updated_at=old)
    by_raw_sql(deal)
    assert Deal.objects.get(pk=deal.pk).updated_at.year > 2001


def test_custom_properties_are_journaled_key_by_key(deal):
    Deal.objects.filter(pk=deal.pk).update(custom={"product": "GTK 500", "tags": ["a"], "old": 1})
    Deal.objects.filter(pk=deal.pk).update(custom={"product": "GTX", "tags": ["a"]})

    assert journal(deal.pk)[-1] == ("updated", {"product": "GTK 500", "old": 1}, {"product": "GTX", "old": None})
    assert set(PendingChange.objects.last().properties) == {"product", "old"}


def test_deleting_softly_and_restoring_are_a_deletion_and_a_creation(deal):
    Deal.objects.filter(pk=deal.pk).update(deleted_at=timezone.now())
    Deal.objects.filter(pk=deal.pk).update(deleted_at=None)
    pk = deal.pk
    deal.delete()

    assert [kind for kind, _before, _after in journal(pk)] == ["deleted", "created", "deleted"]
    assert journal(pk)[-1] == ("deleted", {"name": "Boiler", "stage": "new", "amount": 100.0}, {})


def test_truncating_a_table_deletes_every_record(deal):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE crm_deal")
    assert journal(deal.pk) == [("deleted", {"name": "Boiler", "stage": "new", "amount": 100.0}, {})]


def test_a_primary_key_cannot_change(deal):
    with pytest.raises(IntegrityError, match="primary key"), transaction.atomic():
        Deal.objects.filter(pk=deal.pk).update(id=deal.pk + 1)


def test_a_rolled_back_savepoint_leaves_no_change(deal):
    with transaction.atomic():
        Deal.objects.filter(pk=deal.pk).update(stage="kept")
        with pytest.raises(RuntimeError), transaction.atomic():
            Deal.objects.filter(pk=deal.pk).update(stage="lost")
            raise RuntimeError

    assert journal(deal.pk) == [("updated", {"stage": "new"}, {"stage": "kept"})]
    assert PendingChange.objects.count() == 1


def test_a_change_tells_its_source_and_nothing_of_it_leaks(deal, django_user_model):
    user = django_user_model.objects.create(username="ann")
    with change_source("workflow", actor=user, depth=2, workflow=7, chain=[3, 7]):
        by_update(deal)
        with change_source("import"):
            Deal.objects.filter(pk=deal.pk).update(stage="lost")
        Deal.objects.filter(pk=deal.pk).update(stage="open")
    Deal.objects.filter(pk=deal.pk).update(stage="new")

    outer = {"kind": "workflow", "workflow": 7, "chain": [3, 7]}
    found = changes_of(object_types[DEAL], deal.pk).values_list("source", "actor_id", "depth")
    assert list(found) == [(None, None, 0), (outer, user.pk, 2), ({"kind": "import"}, None, 0), (outer, user.pk, 2)]


def test_links_are_changes_of_both_records(deal):
    company = Company.objects.create(name="Acme")
    associate(DEAL, "company", [(deal.pk, company.pk)], "primary")
    dissociate("company", DEAL, [(company.pk, deal.pk)])

    to_company = {"to_type": "company", "to_id": company.pk, "label": "primary"}
    assert journal(deal.pk) == [("associated", {}, to_company), ("dissociated", to_company, {})]
    to_deal = {"to_type": "deal", "to_id": deal.pk, "label": "primary"}
    assert journal(company.pk, "company")[1:] == [("associated", {}, to_deal), ("dissociated", to_deal, {})]


def test_values_are_known_as_they_were(django_user_model):
    ann = django_user_model.objects.create(username="ann")
    before = database_now()
    contact = Contact.objects.create(email="a@b.se", first_name="Ann", owner=ann, custom={"tier": "gold"})
    created = database_now()
    Contact.objects.filter(pk=contact.pk).update(first_name="Anna", owner=None, custom={})
    changed = database_now()
    Contact.objects.filter(pk=contact.pk).update(deleted_at=changed)
    kind = object_types["contact"]

    assert values_at(kind, contact.pk, before) == {}
    then = values_at(kind, contact.pk, created)
    assert (then["first_name"], then["owner"], then["last_name"]) == ("Ann", ann.pk, None)
    assert values_at(kind, contact.pk, changed)["first_name"] == "Anna"
    assert values_at(kind, contact.pk, changed)["owner"] is None
    assert values_at(kind, contact.pk, database_now()) == {}


def test_a_missing_or_disabled_trigger_is_an_error():
    assert journal_triggers_installed(databases=["default"]) == []
    trigger = next(
        found for model, found in pgtrigger.registered() if model is Deal and found.name == "journal_update"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE crm_deal DISABLE TRIGGER {trigger.get_pgid(Deal)}")
    assert [message.id for message in journal_triggers_installed(databases=["default"])] == ["records.E001"]
    trigger.uninstall(Deal)
    found = journal_triggers_installed(databases=["default"])
    assert [(type(message), message.obj) for message in found] == [(checks.Error, Deal)]
    call_command("pgtrigger", "install", stdout=io.StringIO())
    assert journal_triggers_installed(databases=["default"]) == []


@pytest.mark.django_db(transaction=True)
def test_a_commit_is_announced_once_and_a_statement_notifies():
    heard: list[Any] = []

    def listen(**kwargs: Any) -> None:
        heard.append(kwargs)

    changes_journaled.connect(listen)
    try:
        with transaction.atomic():
            for name in "ABC":
                Deal.objects.create(name=name)
            assert not heard
        assert len(heard) == 1
        with pytest.raises(RuntimeError), transaction.atomic():
            Deal.objects.create(name="D")
            raise RuntimeError
        assert len(heard) == 1
    finally:
        changes_journaled.disconnect(listen)
    with connection.cursor() as cursor:
        cursor.execute("LISTEN headrace_changes")
        cursor.execute("UPDATE crm_deal SET stage = 'seen'")
        notified = list(connection.connection.notifies(timeout=5, stop_after=1))
        with change_source("import"):
            cursor.execute("UPDATE crm_deal SET stage = 'imported'")
        notified += connection.connection.notifies(timeout=5, stop_after=1)
        cursor.execute("UNLISTEN headrace_changes")
    assert {note.channel for note in notified} == {"headrace_changes"}
    assert [note.payload for note in notified] == ["", "import"]


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["save", "update", "raw", "rollback", "custom", "delete", "restore"]),
        st.integers(0, 2),
        st.sampled_from(["", "new", "won", "é\"'%"]),
    ),
    max_size=8,
)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES)
def test_the_journal_equals_a_model_of_random_writes(writes):
    deals = Deal.objects.bulk_create([Deal(name=str(i)) for i in range(3)])
    model = [{"stage": "", "tag": None, "deleted": False} for _deal in deals]
    expected: list[list[tuple[str, Any]]] = [[("created", None)] for _deal in deals]
    for way, i, value in writes:
        rows, state = Deal.objects.filter(pk=deals[i].pk), model[i]
        changes = write(way, rows, value, state)
        if changes:
            expected[i].append(changes)

    for deal, history, state in zip(deals, expected, model, strict=True):
        found = [(kind, None if kind != "updated" else after) for kind, _before, after in journal(deal.pk)]
        assert found == history
        values = values_at(object_types[DEAL], deal.pk, database_now())
        assert (values == {}) if state["deleted"] else (values["stage"] == (state["stage"] or None))
    assert PendingChange.objects.filter(record_id__in=[deal.pk for deal in deals]).count() == sum(map(len, expected))
    PendingChange.objects.all().delete()


def write(way: str, rows: Any, value: str, state: dict[str, Any]) -> tuple[str, Any] | None:
    """Write in one of the ways, change the model alike, and say what the journal should have to tell."""
    if way == "rollback":
        with pytest.raises(RuntimeError), transaction.atomic():
            rows.update(stage=f"{value}!", custom={"tag": "never"})
            raise RuntimeError
        return None
    if way in ("delete", "restore"):
        gone = way == "delete"
        rows.update(deleted_at=timezone.now() if gone else None) if state["deleted"] != gone else None
        changed, state["deleted"] = state["deleted"] != gone, gone
        return (("deleted" if gone else "created"), None) if changed else None
    if way == "custom":
        rows.update(custom={"tag": value} if value else {})
        changed, state["tag"] = state["tag"] != (value or None), value or None
        return ("updated", {"tag": value or None}) if changed else None
    if way == "save":
        deal = rows.get()
        deal.stage = value
        deal.save()
    elif way == "update":
        rows.update(stage=value)
    else:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE crm_deal SET stage = %s WHERE id = %s", [value, rows.get().pk])
    changed, state["stage"] = state["stage"] != value, value
    return ("updated", {"stage": value}) if changed else None
