"""However a deal is changed, it is enrolled: at once, and once; no way in is missed or counted twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from crm.models import Deal, Task, User
from records.api.tokens import issue
from records.associations import ids_of
from records.clock import database_now
from records.models import Scope
from tests.crm.test_record_pages import form_of
from tests.stories.promises import broken_promises
from tests.workflows.publishing_deals import BIG, WAIT, boss, live
from workflows.models import Enrollment, Workflow
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db(transaction=True)
CALL = {"id": "call", "action": "create_task", "params": {"title": "Call {{ deal.name }}"}}
TEXTUAL = ("CharField", "TextField")
Way = Callable[[list[Deal]], list[int]]


def ids(deals: list[Deal]) -> list[int]:
    return [deal.pk for deal in deals]


def by_admin(deals: list[Deal]) -> list[int]:
    client = Client()
    client.force_login(boss())
    for deal in deals:
        page = reverse("admin:crm_deal_change", args=[deal.pk])
        reply = client.post(page, form_of(client.get(page)) | {"amount": "99"})
        assert reply.status_code == 302, reply.context["form"].errors
    return ids(deals)


def by_api(deals: list[Deal]) -> list[int]:
    _token, secret = issue(boss(), tuple(Scope.values), now=database_now())
    client = Client(headers={"authorization": f"Bearer {secret}"})
    for deal in deals:
        document = json.dumps({"properties": {"amount": 99}})
        reply = client.patch(f"/api/v1/deals/{deal.pk}/", document, content_type="application/json")
        assert reply.status_code == 200, reply.content
    return ids(deals)


def by_save(deals: list[Deal]) -> list[int]:
    for deal in deals:
        deal.amount = 99
        deal.save()
    return ids(deals)


def by_update(deals: list[Deal]) -> list[int]:
    assert Deal.objects.filter(pk__in=ids(deals)).update(amount=99) == len(deals)
    return ids(deals)


def by_bulk_update(deals: list[Deal]) -> list[int]:
    for deal in deals:
        deal.amount = 99
    Deal.objects.bulk_update(deals, ["amount"])
    return ids(deals)


def by_bulk_create(deals: list[Deal]) -> list[int]:
    return ids(Deal.objects.bulk_create(Deal(name=f"New {deal.name}", amount=99) for deal in deals))


def by_psql(deals: list[Deal]) -> list[int]:
    with elsewhere() as database:
        database.execute("UPDATE crm_deal SET amount = 99 WHERE id = ANY(%s)", [ids(deals)])
    return ids(deals)


def by_copy(deals: list[Deal]) -> list[int]:
    names = [f"Copied {deal.name}" for deal in deals]
    columns = [field.column for field in Deal._meta.concrete_fields if not field.primary_key]
    texts = {field.column for field in Deal._meta.concrete_fields if field.get_internal_type() in TEXTUAL}
    statement = f"COPY crm_deal ({', '.join(columns)}) FROM STDIN"
    with elsewhere() as database, database.cursor().copy(statement) as copy:
        for name in names:
            known = {"name": name, "amount": 99, "custom": "{}", "created_at": "now", "updated_at": "now"}
            copy.write_row([known.get(column, "" if column in texts else None) for column in columns])
    return list(Deal.objects.filter(name__in=names).values_list("pk", flat=True))


WAYS: dict[str, Way] = {
    way.__name__: way
    for way in (by_admin, by_api, by_save, by_update, by_bulk_update, by_bulk_create, by_psql, by_copy)
}


def elsewhere() -> psycopg.Connection[Any]:
    """A connection to the test's database that no Django knows of."""
    facts = connection.settings_dict
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
    return psycopg.connect(**{names[name]: facts[name] for name in names if facts[name]})


@pytest.fixture
def deals() -> Iterator[list[Deal]]:
    owner = User.objects.create_user("seller")
    yield Deal.objects.bulk_create(Deal(name=f"D{n}", amount=1, owner=owner) for n in range(3))
    assert broken_promises() == {}


def entered(workflow: Workflow) -> list[int]:
    """The records of all enrollments; one that was enrolled twice is in it twice."""
    return list(Enrollment.objects.filter(workflow=workflow).order_by("record_id").values_list("record_id", flat=True))


def called() -> list[int]:
    """The deals of all tasks the workflow has made."""
    tasks = Task.objects.filter(title__startswith="Call").values_list("pk", flat=True)
    return sorted(deal for found in ids_of("task", tasks, "deal").values() for deal in found)


@pytest.mark.parametrize("name", WAYS)
def test_a_deal_changed_this_way_is_enrolled_once_and_acted_on_once(name: str, deals: list[Deal]) -> None:
    workflow = live(BIG, steps=[CALL, WAIT])
    tick(database_now())
    assert entered(workflow) == []

    changed = sorted(WAYS[name](deals))
    assert len(changed) == 3
    tick(database_now())
    assert entered(workflow) == called() == changed

    tick(database_now())
    by_update(deals)
    tick(database_now())
    assert entered(workflow) == called() == sorted({*changed, *ids(deals)}), "nobody is enrolled a second time"


def test_a_change_that_is_rolled_back_enrolls_nobody(deals: list[Deal]) -> None:
    workflow = live(BIG, steps=[CALL, WAIT])
    with elsewhere() as database:
        database.execute("UPDATE crm_deal SET amount = 99 WHERE id = ANY(%s)", [ids(deals)])
        tick(database_now())
        assert entered(workflow) == []
        database.rollback()
    tick(database_now())
    assert entered(workflow) == called() == []


def test_changes_in_every_way_at_once_are_one_enrollment_each(deals: list[Deal]) -> None:
    workflow = live(BIG, steps=[CALL, WAIT])
    for way in (by_admin, by_api, by_save, by_update, by_psql):
        way(deals)
        Deal.objects.filter(pk__in=ids(deals)).update(amount=1)
        Deal.objects.filter(pk__in=ids(deals)).update(amount=99)
    tick(database_now())
    assert entered(workflow) == called() == ids(deals)
