"""Lists: static and active, their members, and criteria that ask who is in them."""

from __future__ import annotations

import datetime as dt
import random
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.models import Company, Contact, Deal
from records import criteria, segments
from records.associations import associate, dissociate
from records.clock import database_now
from records.happening import Occurrence, happen
from records.lists import keeping, members, telling, working
from records.models import ListWork, Membership, PendingChange, RecordList
from records.object_types import object_types
from records.problems import DocumentError
from workflows.intake.dispatching import dispatch

pytestmark = pytest.mark.django_db


def all_of(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"all": list(filters)}


def in_list(slug: str, operator: str = "is_member") -> dict[str, Any]:
    return {"list": slug, "operator": operator}


def big(amount: int = 10) -> dict[str, Any]:
    return {"property": "amount", "operator": "is_greater_than", "value": amount}


def made(name: str, document: dict[str, Any] | None = None, kind: str = "deal") -> RecordList:
    return keeping.create(object_types[kind], name, now=database_now(), criteria=document)


def ids_in(found: RecordList) -> set[int]:
    return set(members.members_of(found).values_list("record_id", flat=True))


def put(found: RecordList, *records: Any) -> members.Moved:
    return members.add(found, [record.pk for record in records], now=database_now())


def settle() -> None:
    while dispatch(database_now()):
        pass


def matching(document: dict[str, Any], kind: str = "deal") -> set[int]:
    found = criteria.compile(document, object_types[kind], now=database_now())
    return set(found.records().values_list("pk", flat=True))


@pytest.fixture
def deals() -> list[Deal]:
    return Deal.objects.bulk_create([Deal(name="small", amount=5), Deal(name="big", amount=50), Deal(name="empty")])


@pytest.mark.covers("FLT-20")
def test_an_active_list_has_who_meets_its_criteria_and_follows_changes(deals: list[Deal]) -> None:
    found = made("Big deals", all_of(big()))
    assert (found.slug, found.kind, ids_in(found)) == ("big-deals", "active", {deals[1].pk})
    Deal.objects.filter(pk=deals[0].pk).update(amount=99)
    Deal.objects.filter(pk=deals[1].pk).delete()
    settle()
    assert ids_in(found) == {deals[0].pk}


@pytest.mark.covers("FLT-20")
def test_a_static_list_has_who_was_added_and_nobody_else(deals: list[Deal]) -> None:
    found = made("Chosen")
    assert put(found, deals[0], deals[1]).ids == [deals[0].pk, deals[1].pk]
    since = Membership.objects.get(segment=found.segment, record_id=deals[0].pk).since
    again = members.add(found, [deals[0].pk, deals[2].pk, 987654], now=database_now())
    assert (again.ids, again.missing) == ([deals[2].pk], [987654])
    assert Membership.objects.get(segment=found.segment, record_id=deals[0].pk).since == since
    assert members.remove(found, [deals[1].pk, 987654], now=database_now()).ids == [deals[1].pk]
    Deal.objects.filter(pk=deals[0].pk).update(amount=1)
    settle()
    assert ids_in(found) == {deals[0].pk, deals[2].pk}


def test_deleted_records_are_not_added_and_come_back_to_a_static_list_when_restored(deals: list[Deal]) -> None:
    found = made("Chosen")
    Deal.objects.filter(pk=deals[0].pk).update(deleted_at=database_now())
    assert put(found, *deals[:2]) == members.Moved([deals[1].pk], [deals[0].pk])
    Deal.objects.filter(pk=deals[1].pk).update(deleted_at=database_now())
    assert ids_in(found) == set()
    Deal.objects.filter(pk=deals[1].pk).update(deleted_at=None)
    assert ids_in(found) == {deals[1].pk}


def test_only_criteria_say_who_is_in_an_active_list(deals: list[Deal]) -> None:
    found = made("Big deals", all_of(big()))
    for verb in (members.add, members.remove):
        with pytest.raises(DocumentError, match="active list"):
            verb(found, [deals[0].pk], now=database_now())


@pytest.mark.covers("FLT-20")
def test_criteria_ask_who_is_in_a_list_and_who_is_not(deals: list[Deal]) -> None:
    found = made("Chosen")
    put(found, deals[0])
    assert matching(all_of(in_list("chosen"))) == {deals[0].pk}
    assert matching(all_of(in_list("chosen", "is_not_member"))) == {deals[1].pk, deals[2].pk}
    compiled = criteria.compile(all_of(in_list("chosen")), object_types["deal"], now=database_now())
    assert compiled.text == "is in the list “Chosen”"
    assert [answer.met for pk in (0, 1) for answer in compiled.explain([deals[pk].pk])[deals[pk].pk]] == [True, False]


@pytest.mark.covers("FLT-21")
def test_lists_of_another_object_type_and_unknown_ones_are_refused(deals: list[Deal]) -> None:
    made("People", kind="contact")
    made("Chosen")
    for slug in ("people", "nobody", 7, "chosen\x00"):
        with pytest.raises(DocumentError) as refused:
            criteria.parse(all_of(in_list(slug)), object_types["deal"])
        [problem] = refused.value.problems
        assert problem.path == "all.0.list"
        assert "Use one of: chosen." in problem.message
    with pytest.raises(DocumentError) as refused:
        criteria.parse(all_of({"list": "chosen", "operator": "is"}), object_types["deal"])
    assert refused.value.problems[0].path == "all.0.operator"


def test_a_list_that_is_gone_matches_nobody_in_stored_criteria(deals: list[Deal]) -> None:
    def count(operator: str) -> int:
        stored = criteria.compile(
            all_of(in_list("gone", operator)), object_types["deal"], now=database_now(), stored=True
        )
        return stored.count()

    assert (count("is_member"), count("is_not_member")) == (0, 3)


@pytest.mark.covers("FLT-20")
def test_lists_of_lists_follow_each_other_to_the_end(deals: list[Deal]) -> None:
    base = made("Base")
    second = made("Second", all_of(in_list("base"), big(1)))
    third = made("Third", all_of(in_list("second")))
    others = made("Others", all_of(in_list("second", "is_not_member")))
    put(base, *deals)
    settle()
    assert ids_in(second) == ids_in(third) == {deals[0].pk, deals[1].pk}
    assert ids_in(others) == {deals[2].pk}
    Deal.objects.filter(pk=deals[0].pk).update(amount=None)
    settle()
    assert ids_in(third) == {deals[1].pk}
    members.remove(base, [deals[1].pk], now=database_now())
    settle()
    assert ids_in(third) == set()
    assert ids_in(others) == {deal.pk for deal in deals}


@pytest.mark.covers("FLT-20")
def test_lists_of_associated_records_are_followed() -> None:
    companies = Company.objects.bulk_create(Company(name=name) for name in "AB")
    contacts = Contact.objects.bulk_create(Contact(email=f"{i}@example.org") for i in range(3))
    associate("contact", "company", [(contacts[0].pk, companies[0].pk), (contacts[1].pk, companies[1].pk)])
    keys = made("Key accounts", kind="company")
    of_keys = {"association": "company", "all": [in_list("key-accounts")]}
    people = made("People of key accounts", all_of(of_keys), kind="contact")
    put(keys, companies[0])
    settle()
    assert ids_in(people) == {contacts[0].pk}
    associate("contact", "company", [(contacts[2].pk, companies[0].pk)])
    settle()
    assert ids_in(people) == {contacts[0].pk, contacts[2].pk}
    members.remove(keys, [companies[0].pk], now=database_now())
    settle()
    assert ids_in(people) == set()


def test_the_cause_of_a_join_goes_on_to_what_follows(deals: list[Deal]) -> None:
    made("Big deals", all_of(big()))
    made("Bigger deals", all_of(in_list("big-deals")))
    settle()
    with connection.cursor() as cursor:
        cursor.execute("""SELECT set_config('headrace.source', '{"kind": "workflow", "depth": 3}', true)""")
    Deal.objects.filter(pk=deals[0].pk).update(amount=99)
    dispatch(database_now())
    queued = PendingChange.objects.get()
    assert (queued.kind, queued.properties, queued.depth) == ("list_joined", ["list:big-deals"], 3)
    assert queued.change_id > 0


def test_an_event_goes_on_as_a_cause_without_its_id_which_would_be_a_changes() -> None:
    seen = made("Seen", all_of({"event": "page_viewed", "operator": "has_occurred"}), "contact")
    made("Also seen", all_of(in_list(seen.slug)), "contact")
    ann = Contact.objects.create(email="ann@example.com")
    settle()
    happen("page_viewed", "contact", [Occurrence(ann.pk, {"url": "example.com"})], now=database_now())
    dispatch(database_now())
    queued = PendingChange.objects.get()
    assert (queued.kind, queued.record_id, queued.change_id) == ("list_joined", ann.pk, 0)


def test_nothing_is_queued_for_lists_nobody_asks_about(deals: list[Deal]) -> None:
    found = made("Chosen")
    PendingChange.objects.all().delete()
    put(found, *deals)
    assert not PendingChange.objects.exists()
    assert not telling.heard(found)
    made("Those", all_of(in_list("chosen")))
    assert telling.heard(found)


def test_a_list_that_would_depend_on_itself_is_refused_by_name() -> None:
    made("A", all_of(big()))
    made("B", all_of(in_list("a")))
    third = made("C", all_of(in_list("b"), big()))
    for slug, way in (("a", "“A” → “A”"), ("b", "“A” → “B” → “A”"), ("c", "“A” → “C” → “B” → “A”")):
        with pytest.raises(DocumentError) as refused:
            keeping.change(RecordList.objects.get(slug="a"), now=database_now(), criteria=all_of(in_list(slug)))
        assert way in str(refused.value), str(refused.value)
    assert keeping.change(third, now=database_now(), criteria=all_of(in_list("a"))).kind == "active"


def test_other_criteria_hold_at_once_and_are_told_to_who_follows_the_list(deals: list[Deal]) -> None:
    found = made("Big deals", all_of(big()))
    follower = made("Those", all_of(in_list("big-deals")))
    keeping.change(found, now=database_now(), criteria=all_of(big(1)), name="Deals with an amount")
    assert ids_in(found) == {deals[0].pk, deals[1].pk}
    settle()
    assert ids_in(follower) == ids_in(found)
    Deal.objects.filter(pk=deals[2].pk).update(amount=2)
    settle()
    assert ids_in(follower) == {deal.pk for deal in deals}


def test_a_converted_list_keeps_its_members_whatever_becomes_of_them(deals: list[Deal]) -> None:
    found = made("Big deals", all_of(big()))
    static = keeping.convert(found)
    Deal.objects.update(amount=1)
    settle()
    assert (static.kind, ids_in(static)) == ("static", {deals[1].pk})
    put(static, deals[0])
    with pytest.raises(DocumentError, match="static list already"):
        keeping.convert(static)
    with pytest.raises(DocumentError, match="has no criteria"):
        keeping.change(static, now=database_now(), criteria=all_of(big()))


def test_clones_are_lists_of_their_own(deals: list[Deal]) -> None:
    active, static = made("Big deals", all_of(big())), made("Chosen")
    put(static, deals[0])
    other = keeping.clone(active, "Big deals", now=database_now())
    copied = keeping.clone(static, "Chosen too", now=database_now())
    put(static, deals[1])
    assert (other.slug, ids_in(other)) == ("big-deals-2", {deals[1].pk})
    assert (copied.slug, ids_in(copied)) == ("chosen-too", {deals[0].pk})


def test_a_list_that_is_used_is_not_deleted_and_says_by_whom(deals: list[Deal]) -> None:
    found = made("Chosen")
    user = made("Those", all_of(in_list("chosen")))
    with pytest.raises(DocumentError, match="used by the list “Those”"):
        keeping.delete(found)
    keeping.delete(user)
    put(found, deals[0])
    segment = found.segment_id
    keeping.delete(found)
    assert not Membership.objects.filter(segment_id=segment).exists()


def test_thousands_are_added_and_removed_in_the_background_each_once() -> None:
    records = Deal.objects.bulk_create(Deal(name="x", amount=i) for i in range(120))
    found, boss = made("Chosen"), get_user_model().objects.create_user("boss")
    working.start(found, ListWork.Kind.ADD, now=database_now(), record_ids=[r.pk for r in records], by=boss)
    assert working.waiting_since(database_now()) is not None
    assert working.work(database_now()) == 120
    assert (ids_in(found), working.waiting_since(database_now())) == ({r.pk for r in records}, None)
    working.start(found, ListWork.Kind.REMOVE, now=database_now(), criteria=all_of(big(99)))
    working.work(database_now())
    assert ids_in(found) == {r.pk for r in records[:100]}
    [removed, added] = ListWork.objects.all()
    assert [working.told(removed), working.told(added)] == ["20 records removed.", "120 records added."]


def test_background_work_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "AT_ONCE", 7)
    records = Deal.objects.bulk_create(Deal(name="x", amount=i) for i in range(20))
    found = made("Chosen")
    for facts in ({"record_ids": [r.pk for r in records]}, {"criteria": all_of(big(-1))}):
        one = working.start(found, ListWork.Kind.ADD, now=database_now(), **facts)
        handled = [working.step(database_now()) for _each in range(3)]
        one.refresh_from_db()
        assert (handled, one.status, working.step(database_now())) == ([7, 7, 6], "done", None)
    assert ids_in(found) == {r.pk for r in records}


def test_a_list_is_deleted_in_the_order_its_background_work_locks(deals: list[Deal]) -> None:
    found = made("Chosen")
    working.start(found, ListWork.Kind.ADD, now=database_now(), record_ids=[deals[0].pk])
    with CaptureQueriesContext(connection) as worked:
        working.step(database_now())
    with CaptureQueriesContext(connection) as deleted:
        keeping.delete(found)
    for queries in (worked, deleted):
        locking = [query["sql"] for query in queries if re.search("FOR (UPDATE|SHARE)", query["sql"])]
        assert ["records_listwork" in sql for sql in locking] == [True, False]
    assert not ListWork.objects.exists()


def test_background_work_on_a_list_that_has_become_active_stops_with_a_reason() -> None:
    deal, found = Deal.objects.create(name="x"), made("Big deals", all_of(big()))
    working.start(found, ListWork.Kind.ADD, now=database_now(), record_ids=[deal.pk])
    working.work(database_now())
    assert "active list" in working.told(ListWork.objects.get())


def test_background_work_that_raises_an_error_stops_and_lets_the_next_one_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deal, broken, well = Deal.objects.create(name="x"), made("Broken"), made("Well")
    for found in (broken, well):
        working.start(found, ListWork.Kind.ADD, now=database_now(), record_ids=[deal.pk])

    def failing(error: type[Exception]) -> Any:
        def execute_or_fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "records_membership" in sql and broken.segment_id in (
                params.values() if isinstance(params, dict) else params
            ):
                raise error("poison")
            return execute(sql, params, many, context)

        return connection.execute_wrapper(execute_or_fail)

    with failing(OperationalError), pytest.raises(OperationalError):
        working.step(database_now())
    assert ListWork.objects.filter(status="waiting").count() == 2, "a lost connection is no work's fault"
    with failing(IntegrityError):
        working.work(database_now())
    told = {one.record_list: working.told(one) for one in ListWork.objects.all()}
    assert "IntegrityError" in told[broken]
    assert "1 records added" in told[well]
    assert "broken failed" in caplog.text
    assert (ids_in(broken), ids_in(well)) == (set(), {deal.pk})


EDITS = 60


@pytest.mark.covers("FLT-20", "TRG-21")
def test_after_random_edits_active_lists_have_exactly_who_meets_their_criteria() -> None:
    """Lists over properties, associated records, other lists and time, compared with SQL from scratch."""
    chance = random.Random(11)
    companies = Company.objects.bulk_create(Company(name=str(i), industry="steel") for i in range(6))
    deals = Deal.objects.bulk_create(Deal(name=str(i), amount=i) for i in range(20))
    base, keys = made("Base"), made("Keys", kind="company")
    soft = {"property": "industry", "operator": "contains_any_of", "value": ["soft"]}
    documents = [
        {"any": [big(8), in_list("base")]},
        {"all": [{"association": "company", "any": [soft, in_list("keys")]}]},
        {"all": [in_list("list-0"), in_list("list-1", "is_not_member")]},
        {"none": [in_list("list-2"), {"property": "number_of_companies", "operator": "is_greater_than", "value": 1}]},
        {"all": [{"property": "close_date", "operator": "is_less_than_days_ago", "value": 3}, in_list("list-3")]},
    ]
    lists = [made(f"List {i}", document) for i, document in enumerate(documents)]
    now = database_now()

    def edit() -> None:
        deal, company = chance.choice(deals).pk, chance.choice(companies).pk
        match chance.randrange(8):
            case 0:
                Deal.objects.filter(pk=deal).update(amount=chance.randrange(20))
            case 1:
                Deal.objects.filter(pk=deal).update(deleted_at=chance.choice([None, now]))
            case 2:
                members.add(base, [deal], now=now)
            case 3:
                members.remove(base, [deal], now=now)
            case 4:
                associate("deal", "company", [(deal, company)])
            case 5:
                dissociate("deal", "company", [(deal, company)])
            case 6:
                members.add(keys, [company], now=now)
                Company.objects.filter(pk=company).update(industry=chance.choice(["soft", "steel"]))
            case 7:
                day = now.date() - dt.timedelta(days=chance.randrange(6))
                Deal.objects.filter(pk=deal).update(close_date=day)

    for _round in range(EDITS // 6):
        for _each in range(chance.randrange(1, 12)):
            edit()
        now += dt.timedelta(hours=chance.randrange(20))
        exhaust(now)
        for found in lists:
            segment = found.segment
            compiled = criteria.compile(segment.criteria, object_types["deal"], now=now)
            assert ids_in(found) == set(compiled.records().values_list("pk", flat=True)), segment.criteria


def exhaust(now: dt.datetime) -> None:
    """Dispatch until nothing waits, at one instant."""
    while PendingChange.objects.exists() or segments.due(now):
        dispatch(now)


@pytest.mark.django_db(transaction=True)
def test_works_on_one_list_do_not_overtake_each_other_and_those_on_others_go_on():
    def step_elsewhere() -> int | None:
        try:
            return working.step(database_now())
        finally:
            connection.close()

    one, other = (keeping.create(object_types["deal"], name, now=database_now()) for name in ("One", "Other"))
    deal = Deal.objects.create(name="Deal")
    adding = working.start(one, ListWork.Kind.ADD, now=database_now(), record_ids=[deal.pk])
    removing = working.start(one, ListWork.Kind.REMOVE, now=database_now(), record_ids=[deal.pk])
    elsewhere = working.start(other, ListWork.Kind.ADD, now=database_now(), record_ids=[deal.pk])
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        ListWork.objects.select_for_update().get(pk=adding.pk)
        assert [pool.submit(step_elsewhere).result(30) for _turn in range(2)] == [1, None]
    states = dict(ListWork.objects.values_list("pk", "status"))
    assert states == {adding.pk: "waiting", removing.pk: "waiting", elsewhere.pk: "done"}
    assert [working.step(database_now()) for _turn in range(3)] == [1, 1, None]
    assert (ids_in(one), ids_in(other)) == (set(), {deal.pk})
