"""Two records become one: values, associations, history, events, lists, consents, and whom nobody enrolls by that."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from crm.models import Company, Contact, Deal, Note, Subscription, SubscriptionChange, SubscriptionType, Ticket
from crm.subscribing import Wish, set_status
from records import criteria
from records.associations import associate
from records.clock import database_now
from records.happening import happen
from records.journal import change_source, values_at
from records.lists import keeping, members
from records.merging import movers
from records.merging.performing import merge
from records.merging.remembering import gone_into
from records.models import Association, Change, ChangeKind, Event, MergedRecord, PendingEvent, PropertyDefinition
from records.object_types import object_types
from records.problems import DocumentError
from records.saving import restore_records
from records.saving.matching import lock_uniques
from tests.workflows.publishing_deals import boss

pytestmark = pytest.mark.django_db
CONTACT = object_types["contact"]


def person(name: str, **facts: Any) -> Contact:
    return Contact.objects.create(email=f"{name}@example.com", first_name=name, **facts)


def join(winner: Any, loser: Any, kind: str = "contact", **facts: Any) -> None:
    merge(object_types[kind], winner.pk, loser.pk, now=database_now(), **facts)


def refused(winner: int, loser: int, kind: str = "contact", **facts: Any) -> list[tuple[str, str]]:
    with pytest.raises(DocumentError) as caught:
        merge(object_types[kind], winner, loser, now=database_now(), **facts)
    return [(problem.path, problem.code) for problem in caught.value.problems]


def links_of(record: Any, kind: str = "contact") -> set[tuple[str, int, str]]:
    rows = Association.objects.filter(from_type=kind, from_id=record.pk)
    return set(rows.values_list("to_type", "to_id", "label"))


def test_the_winner_keeps_its_values_and_gets_what_it_lacks():
    PropertyDefinition.objects.create(object_type="contact", slug="size", label="Size", type="number")
    ann, anne = person("ann", city="Lund", lead_score=5), person("anne", city="Oslo", job_title="CEO", lead_score=9)
    Contact.objects.filter(pk=anne.pk).update(custom={"size": 42})
    join(ann, anne)
    ann.refresh_from_db()
    assert (ann.email, ann.city, ann.job_title, ann.lead_score, ann.custom) == (
        "ann@example.com", "Lund", "CEO", 5, {"size": 42},
    )  # fmt: skip
    assert list(CONTACT.records()) == [ann]


def test_each_value_can_be_chosen_also_a_blank_and_a_unique_one():
    ann, anne = person("ann", city="Lund"), person("anne", city="Oslo", job_title="CEO")
    join(ann, anne, keep={"email": "loser", "city": "loser", "job_title": "winner"})
    ann.refresh_from_db()
    assert (ann.email, ann.city, ann.job_title) == ("anne@example.com", "Oslo", "")


@pytest.mark.covers("TRG-22")
def test_nobody_is_sent_to_a_record_that_was_deleted_since():
    ann, bob = person("ann"), person("bob")
    join(ann, bob)
    sent = f"The contact {bob.pk} was merged into the contact {ann.pk}"
    assert gone_into(CONTACT, bob.pk, ann.pk) == f"{sent}. Use that one."
    Contact.objects.filter(pk=ann.pk).update(deleted_at=database_now())
    assert gone_into(CONTACT, bob.pk, ann.pk) == f"{sent}, which was deleted since."


def test_the_older_creation_date_survives():
    then = dt.datetime(2020, 5, 1, 8, 0, tzinfo=dt.UTC)
    ann, anne, cay = person("ann"), person("anne", created_at=then), person("cay")
    born = ann.created_at
    join(ann, cay)
    ann.refresh_from_db()
    assert ann.created_at == born
    join(ann, anne)
    ann.refresh_from_db()
    assert ann.created_at == then


def test_associations_move_with_their_labels_and_alike_ones_become_one():
    ann, anne, other = person("ann"), person("anne"), person("other")
    both, hers, boss_of = (Company.objects.create(name=name) for name in ("Both", "Hers", "Boss"))
    deal, note = Deal.objects.create(name="Deal"), Note.objects.create(body="Hello")
    associate("contact", "company", [(ann.pk, both.pk), (anne.pk, both.pk), (anne.pk, hers.pk)])
    associate("contact", "company", [(anne.pk, boss_of.pk)], "billing")
    associate("contact", "deal", [(anne.pk, deal.pk)])
    associate("contact", "note", [(anne.pk, note.pk)])
    associate("contact", "contact", [(ann.pk, anne.pk), (anne.pk, other.pk)])
    join(ann, anne)
    assert links_of(ann) == {
        ("company", both.pk, ""), ("company", hers.pk, ""), ("company", boss_of.pk, "billing"), ("deal", deal.pk, ""),
        ("note", note.pk, ""), ("contact", other.pk, ""),
    }  # fmt: skip
    assert links_of(anne) == set()
    assert not Association.objects.filter(to_type="contact", to_id=anne.pk).exists()
    assert ("contact", ann.pk, "billing") in links_of(boss_of, "company")


def test_of_two_primary_companies_the_winners_stays_the_primary_one():
    ann, anne = person("ann"), person("anne")
    first, second = Company.objects.create(name="First"), Company.objects.create(name="Second")
    associate("contact", "company", [(ann.pk, first.pk)], "primary")
    associate("contact", "company", [(anne.pk, second.pk)], "primary")
    join(ann, anne)
    assert links_of(ann) == {("company", first.pk, "primary"), ("company", second.pk, "")}


def test_merged_companies_stay_the_primary_ones_of_their_contacts():
    one, two = Company.objects.create(name="One"), Company.objects.create(name="Two")
    ann, ben = person("ann"), person("ben")
    associate("contact", "company", [(ann.pk, one.pk), (ben.pk, two.pk)], "primary")
    join(one, two, "company")
    assert links_of(ben) == {("company", one.pk, "primary")}
    assert links_of(ann) == {("company", one.pk, "primary")}


def test_the_history_of_both_is_the_winners_and_its_own_past_stays_its_own():
    ann, anne = person("ann", city="Lund"), person("anne", city="Oslo")
    Contact.objects.filter(pk=anne.pk).update(city="Rome")
    before = database_now()
    was = {"all": [{"property": "city", "operator": "has_ever_been_equal_to_any_of", "value": ["Oslo"]}]}
    assert list(criteria.compile(was, CONTACT, now=before).records()) == [anne]
    join(ann, anne, by=boss())
    assert list(criteria.compile(was, CONTACT, now=database_now()).records()) == [ann]
    assert values_at(CONTACT, ann.pk, before)["city"] == "Lund"
    assert values_at(CONTACT, anne.pk, before)["city"] == "Rome"
    told = Change.objects.filter(object_type="contact", record_id=ann.pk, kind=ChangeKind.MERGED).get()
    assert (told.after, told.actor_id, told.source["kind"]) == ({"merged": anne.pk}, boss().pk, "merge")


def test_what_happened_to_the_loser_has_happened_to_the_winner():
    ann, anne = person("ann"), person("anne")
    happen("page_viewed", "contact", [anne.pk], properties={"url": "a.test"}, now=database_now())
    join(ann, anne)
    assert set(Event.objects.filter(event="page_viewed").values_list("record_id", flat=True)) == {ann.pk}
    assert set(PendingEvent.objects.filter(event="page_viewed").values_list("record_id", flat=True)) == {ann.pk}


def test_the_winner_joins_the_static_lists_of_the_loser_since_it_was_there():
    ann, anne = person("ann"), person("anne")
    one, both = (keeping.create(CONTACT, name, now=database_now()) for name in ("One", "Both"))
    early, late = database_now() - dt.timedelta(days=9), database_now()
    members.add(one, [anne.pk], now=early)
    members.add(both, [anne.pk], now=late)
    members.add(both, [ann.pk], now=early)
    join(ann, anne)
    for found in (one, both):
        assert list(members.members_of(found).values_list("record_id", "since")) == [(ann.pk, early)]


def test_the_strictest_consent_of_both_holds_with_the_proofs_of_both():
    ann, anne = person("ann"), person("anne")
    kinds = {slug: SubscriptionType.objects.create(slug=slug, name=slug) for slug in ("news", "tips", "sale")}

    def say(who: Contact, slug: str, status: str) -> None:
        basis = "consent" if status == "subscribed" else ""
        wish = Wish(kinds[slug], status, basis, f"{who.first_name} said")
        set_status([who.pk], wish, source="admin", now=database_now())

    say(ann, "news", "subscribed"), say(anne, "news", "unsubscribed")
    say(ann, "tips", "unsubscribed"), say(anne, "tips", "subscribed")
    say(anne, "sale", "subscribed")
    join(ann, anne, by=boss())
    held = Subscription.objects.filter(contact=ann).order_by("type").values_list("type", "status", "explanation")
    assert list(held) == [
        ("news", "unsubscribed", "anne said"),
        ("sale", "subscribed", "anne said"),
        ("tips", "unsubscribed", "ann said"),
    ]  # fmt: skip
    proofs = SubscriptionChange.objects.filter(contact=ann, type="news").order_by("id")
    assert list(proofs.values_list("status", "source")) == [
        ("subscribed", "admin"), ("unsubscribed", "admin"), ("unsubscribed", "merge"),
    ]  # fmt: skip
    assert not SubscriptionChange.objects.filter(contact=anne).exists()


def test_the_loser_remembers_what_it_went_into_also_after_a_second_merge():
    ann, anne, cay = person("ann"), person("anne"), person("cay")
    join(anne, ann)
    join(cay, anne)
    assert dict(MergedRecord.objects.values_list("record_id", "winner_id")) == {ann.pk: cay.pk, anne.pk: cay.pk}
    with pytest.raises(DocumentError) as caught:
        restore_records(CONTACT, [ann.pk])
    assert f"merged into the contact {cay.pk}" in str(caught.value)
    assert list(CONTACT.records()) == [cay]


def test_what_cannot_be_merged_is_refused_with_its_reason():
    ann, anne, gone = person("ann"), person("anne"), person("gone")
    gone.delete()
    note = Note.objects.create(body="x"), Note.objects.create(body="y")
    assert refused(ann.pk, ann.pk) == [("loser", "same_record")]
    assert refused(ann.pk, gone.pk) == [("loser", "not_found")]
    assert refused(gone.pk, ann.pk) == [("winner", "not_found")]
    assert refused(note[0].pk, note[1].pk, "note") == [("", "not_mergeable")]
    assert refused(ann.pk, anne.pk, keep={"shoe": "loser", "city": "hers"}) == [
        ("keep.shoe", "unknown_property"), ("keep.city", "invalid"),
    ]  # fmt: skip
    assert refused(ann.pk, anne.pk, keep={"created_at": "loser"}) == [("keep.created_at", "unknown_property")]
    join(ann, anne)
    assert refused(anne.pk, ann.pk) == [("winner", "merged")]
    assert refused(ann.pk, anne.pk) == [("loser", "merged")]


def test_deals_and_tickets_are_merged_by_the_same_rules_and_stages_stay_with_their_pipelines():
    one, two = Deal.objects.create(name="One", pipeline="sales", stage="engaging"), Deal.objects.create(name="Two")
    join(one, two, "deal", keep={"name": "loser"})
    one.refresh_from_db()
    assert (one.name, one.stage) == ("Two", "engaging")
    ticket, other = Ticket.objects.create(subject="A"), Ticket.objects.create(subject="B", description="Why")
    join(ticket, other, "ticket")
    ticket.refresh_from_db()
    assert (ticket.subject, ticket.description) == ("A", "Why")


def test_a_merge_that_fails_changes_nothing():
    ann, anne = person("ann"), person("anne")

    class Broken:
        slug, tables = "broken", ()

        def hold(self, one: Any) -> None: ...

        def move(self, one: Any) -> None:
            raise RuntimeError("broken")

    movers["broken"] = Broken()
    try:
        with pytest.raises(RuntimeError), change_source("admin"):
            join(ann, anne)
    finally:
        del movers["broken"]
    assert not MergedRecord.objects.exists()
    assert set(CONTACT.records()) == {ann, anne}


def test_thousands_of_associations_move_in_a_constant_number_of_statements():
    def statements(count: int) -> int:
        winner, loser = Company.objects.create(name="Winner"), Company.objects.create(name="Loser")
        made = Contact.objects.bulk_create(Contact(first_name=str(i)) for i in range(count))
        associate("company", "contact", [(loser.pk, one.pk) for one in made])
        with CaptureQueriesContext(connection) as told:
            join(winner, loser, "company")
        assert Association.objects.filter(from_type="company", from_id=winner.pk).count() == count
        return len(told)

    statements(3)
    assert statements(1_500) == statements(5)


def test_whatever_names_records_is_moved_by_somebody():
    """A new table with a column for records of a type that can be merged needs a mover (records.merging)."""
    kept = {table for mover in movers.values() for table in mover.tables}
    kinds = {kind.model for kind in object_types.values() if kind.mergeable}
    own = {kind.table for kind in object_types.values()} | {MergedRecord._meta.db_table}
    missing = sorted(
        f"{model._meta.db_table}.{field.name}"
        for model in [*models_of_the_product(), *through_tables()]
        if model._meta.db_table not in kept | own
        for field in model._meta.concrete_fields
        if field.name in NAMES or (field.is_relation and field.related_model in kinds)
    )
    assert missing == []


NAMES = {"record_id", "record_ids", "contact_id", "company_id", "deal_id", "ticket_id", "from_id", "to_id"}


def models_of_the_product() -> list[type[models.Model]]:
    from django.apps import apps

    return [model for app in ("records", "workflows", "crm") for model in apps.get_app_config(app).get_models()]


def through_tables() -> list[type[models.Model]]:
    from django.apps import apps

    return [model for model in apps.get_models(include_auto_created=True) if model._meta.auto_created]


@pytest.mark.django_db(transaction=True)
def test_who_merges_and_who_saves_wait_for_each_other_instead_of_blocking_one_another():
    ann, anne = person("ann"), person("anne")
    told: list[str] = []

    def other() -> None:
        try:
            join(ann, anne)
            told.append("merged")
        finally:
            connection.close()

    merging = threading.Thread(target=other)
    with transaction.atomic(), connection.cursor() as cursor:
        lock_uniques(CONTACT)
        merging.start()
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        for _attempt in range(1_000):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if cursor.fetchone()[0]:
                break
            time.sleep(0.01)
        else:
            raise AssertionError("the merge did not wait")
        assert Contact.objects.select_for_update(nowait=True).filter(pk__in=[ann.pk, anne.pk]).count() == 2
    merging.join(60)
    assert told == ["merged"]
