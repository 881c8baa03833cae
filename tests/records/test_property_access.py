"""Rights on single properties: whose right counts, giving it, and what it means where records are saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Deal, User
from records.clock import database_now
from records.defining import define, remove
from records.models import Access, PropertyAccess, PropertyAccessChange, PropertyDefinition
from records.object_types import object_types
from records.problems import DocumentError
from records.property_access import rights_of
from records.property_access.granting import grant
from records.property_access.rights import levels_for
from records.saving import Row, save_batch

pytestmark = pytest.mark.django_db
DEAL = "deal"


def group(name: str, **levels: Access) -> Group:
    found, _new = Group.objects.get_or_create(name=name)
    grant(found, object_types[DEAL], levels, by=None, now=database_now())
    return found


def member(*groups: Group, **facts: Any) -> User:
    user = User.objects.create_user("una", **facts)
    user.groups.set(groups)
    return User.objects.get(pk=user.pk)


def level(user: User, slug: str = "amount") -> Access:
    return rights_of(User.objects.get(pk=user.pk)).level(DEAL, slug)


def test_everybody_may_edit_until_a_group_is_restricted_and_superusers_always_may() -> None:
    user = member()
    assert level(user) == Access.EDIT
    sales = group("Sales", amount=Access.NONE)
    user.groups.add(sales)
    assert level(user) == Access.NONE and level(user, "name") == Access.EDIT
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    assert level(user) == Access.EDIT
    assert rights_of(None).level(DEAL, "amount") == Access.EDIT


def test_of_several_groups_the_one_that_allows_most_counts() -> None:
    user = member(group("Sales", amount=Access.NONE, close_date=Access.VIEW), group("Service", amount=Access.VIEW))
    assert level(user) == Access.VIEW
    assert level(user, "close_date") == Access.EDIT, "Service says nothing about it, so its members may edit"


def test_the_rights_of_a_user_are_two_queries_however_often_they_are_asked_for() -> None:
    user = member(group("Sales", amount=Access.NONE))
    with CaptureQueriesContext(connection) as queries:
        assert [rights_of(user).may_view(DEAL, slug) for slug in ("amount", "name", "amount")] == [False, True, False]
    assert len(queries) == 2, "what may not be seen, and the lists that look at it"


def test_each_change_of_a_right_is_kept_and_only_changes_are() -> None:
    boss = User.objects.create_superuser("boss")
    sales, kind = Group.objects.create(name="Sales"), object_types[DEAL]
    assert grant(sales, kind, {"amount": Access.VIEW, "name": Access.EDIT}, by=boss, now=database_now()) == 1
    assert grant(sales, kind, {"amount": Access.VIEW}, by=boss, now=database_now()) == 0
    assert grant(sales, kind, {"amount": Access.EDIT}, by=boss, now=database_now()) == 1
    assert not PropertyAccess.objects.exists()
    sales.delete()
    rows = PropertyAccessChange.objects.order_by("pk").values_list(
        "user__username", "group", "property", "before", "after"
    )
    assert list(rows) == [("boss", "Sales", "amount", 2, 1), ("boss", "Sales", "amount", 1, 2)]


def test_what_names_a_record_stays_visible_and_what_is_calculated_is_seen_or_not() -> None:
    contact = object_types["contact"]
    known = contact.properties()
    assert levels_for(contact, known["id"]) == [Access.EDIT]
    assert (
        levels_for(contact, known["email"]) == levels_for(contact, known["first_name"]) == [Access.VIEW, Access.EDIT]
    )
    assert levels_for(contact, known["number_of_deals"]) == [Access.NONE, Access.EDIT]
    sales = Group.objects.create(name="Sales")
    for slug, right in (("email", Access.NONE), ("nothing", Access.VIEW)):
        with pytest.raises(DocumentError) as refused:
            grant(sales, contact, {"phone": Access.NONE, slug: right}, by=None, now=database_now())
        assert [problem.path for problem in refused.value.problems] == [slug]
    assert not PropertyAccess.objects.exists()


def test_who_may_only_see_a_property_saves_everything_but_another_value_of_it() -> None:
    user = member(group("Sales", amount=Access.VIEW))
    deal, kind = Deal.objects.create(name="A", amount=5), object_types[DEAL]
    [saved] = save_batch(kind, [Row({"name": "B", "amount": 5}, id=deal.pk)], actor=user)
    assert saved.status == "updated"
    with pytest.raises(DocumentError) as refused:
        save_batch(kind, [Row({"name": "C", "amount": 6}, id=deal.pk)], actor=user)
    (problem,) = refused.value.problems
    assert (problem.path, problem.code) == ("0.properties.amount", "forbidden")
    assert "You may see “amount” but not change it." in problem.message
    rows = [Row({"name": "New", "amount": 1}), Row({"name": "Other"})]
    assert [one.status for one in save_batch(kind, rows, actor=user.pk, partial=True)] == ["invalid", "created"]
    deal.refresh_from_db()
    assert (deal.name, deal.amount) == ("B", 5)


def test_who_has_no_access_is_not_told_by_saving_whether_a_value_is_right() -> None:
    user = member(group("Sales", amount=Access.NONE))
    deal = Deal.objects.create(name="A", amount=5)
    told = set()
    for guess in (5, 6):
        with pytest.raises(DocumentError) as refused:
            save_batch(object_types[DEAL], [Row({"amount": guess}, id=deal.pk)], actor=user)
        told.add(refused.value.problems[0].message)
    assert len(told) == 1 and "You have no access to “amount”." in told.pop()


def test_rights_go_with_a_custom_property_that_is_removed() -> None:
    found = define(PropertyDefinition(object_type=DEAL, slug="margin", label="Margin", type="number"))
    group("Sales", margin=Access.NONE)
    remove(found)
    assert not PropertyAccess.objects.exists()
