"""Lists in the admin."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from crm.models import Deal
from records.clock import database_now
from records.lists import keeping, members, working
from records.models import ListWork, RecordList, Segment
from records.object_types import object_types

pytestmark = pytest.mark.django_db

ADD, ALL = "/admin/records/recordlist/add/", "/admin/records/recordlist/"
BIG = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 10}]}


@pytest.fixture
def deals() -> list[Deal]:
    return Deal.objects.bulk_create([Deal(name="small", amount=5), Deal(name="big", amount=50)])


def static(*records: Any, name: str = "Chosen") -> RecordList:
    found = keeping.create(object_types["deal"], name, now=database_now())
    members.add(found, [record.pk for record in records], now=database_now())
    return found


def active(name: str = "Big") -> RecordList:
    return keeping.create(object_types["deal"], name, now=database_now(), criteria=BIG)


def page_of(found: RecordList) -> str:
    return reverse("admin:records_recordlist_change", args=[found.pk])


def ids_in(found: RecordList) -> set[int]:
    return set(members.members_of(found).values_list("record_id", flat=True))


def test_an_active_list_is_made_of_criteria_in_two_steps(admin_page: Client, deals: list[Deal]) -> None:
    assert "Active: criteria say who is in it" in admin_page.get(ADD).content.decode()
    place = f"{ADD}?object_type=deal&kind=active"
    assert "data-criteria" in admin_page.get(place).content.decode()
    facts = {"name": "Big deals", "criteria": json.dumps(BIG), "time_zone": "Europe/Stockholm"}
    faulty = admin_page.post(place, facts | {"criteria": '{"all": []}'}).content.decode()
    assert "The group is empty" in faulty
    shown = admin_page.post(place, facts, follow=True).content.decode()
    found = RecordList.objects.get()
    assert (found.slug, ids_in(found), found.segment.time_zone) == ("big-deals", {deals[1].pk}, "Europe/Stockholm")
    assert "1 member" in shown
    assert "Amount is greater than 10" in shown
    assert 'name="record"' not in shown


def test_a_static_list_shows_its_members_and_lets_them_be_removed(admin_page: Client, deals: list[Deal]) -> None:
    found = static(*deals)
    shown = admin_page.get(page_of(found)).content.decode()
    assert "2 members" in shown
    assert shown.count('name="record"') == 2
    admin_page.post(reverse("admin:records_recordlist_remove", args=[found.pk]), {"record": [deals[0].pk]})
    assert ids_in(found) == {deals[1].pk}


def test_members_come_in_pages(admin_page: Client) -> None:
    found = static(*Deal.objects.bulk_create(Deal(name=f"Deal {i}") for i in range(60)))
    assert "Page 1 of 2" in admin_page.get(page_of(found)).content.decode()
    assert admin_page.get(f"{page_of(found)}?page=2").content.decode().count('name="record"') == 10


def test_lists_are_found_renamed_cloned_converted_and_deleted(admin_page: Client, deals: list[Deal]) -> None:
    found = active()
    static(name="Another")
    shown = admin_page.get(f"{ALL}?q=Big").content.decode()
    assert page_of(found) in shown
    assert "Another" not in shown
    facts = {"name": "Large", "description": "", "criteria": json.dumps(BIG), "time_zone": "UTC"}
    admin_page.post(page_of(found), facts)
    admin_page.post(reverse("admin:records_recordlist_clone", args=[found.pk]))
    copy = RecordList.objects.get(name="Large (copy)")
    admin_page.post(reverse("admin:records_recordlist_convert", args=[found.pk]))
    found.refresh_from_db()
    assert (found.name, found.kind, copy.kind, ids_in(copy)) == ("Large", "static", "active", {deals[1].pk})
    admin_page.post(reverse("admin:records_recordlist_delete", args=[copy.pk]))
    assert not RecordList.objects.filter(pk=copy.pk).exists()


def test_a_list_that_cannot_be_cloned_says_why(admin_page: Client, deals: list[Deal]) -> None:
    found = active()
    gone = {"all": [{"list": "gone", "operator": "is_member"}]}
    Segment.objects.filter(pk=found.segment_id).update(criteria=gone)
    shown = admin_page.post(reverse("admin:records_recordlist_clone", args=[found.pk]), follow=True)
    assert "There is no list" in shown.content.decode()
    assert RecordList.objects.count() == 1


def test_digits_of_other_scripts_are_no_ids(admin_page: Client, deals: list[Deal]) -> None:
    found = static(*deals)
    admin_page.post(reverse("admin:records_recordlist_remove", args=[found.pk]), {"record": ["²", "9" * 5_000]})
    assert admin_page.get(f"{ALL}²/change/").status_code == 404
    place = reverse("admin:crm_deal_add_to_list")
    admin_page.post(place, {"records": "²", "list": "²", "confirmed": "1"})
    admin_page.post(place, {"records": "²", "list": str(found.pk), "confirmed": "1"})
    assert ids_in(found) == {deal.pk for deal in deals}


def test_a_list_in_use_says_by_whom_and_stays(admin_page: Client, deals: list[Deal]) -> None:
    found = static(*deals)
    uses = {"all": [{"list": found.slug, "operator": "is_member"}]}
    keeping.create(object_types["deal"], "Those", now=database_now(), criteria=uses)
    place = reverse("admin:records_recordlist_delete", args=[found.pk])
    asked = admin_page.get(place).content.decode()
    assert "the list “Those”" in asked
    assert "Delete the list</button>" not in asked
    assert "is used by the list “Those”" in admin_page.post(place, follow=True).content.decode()
    assert RecordList.objects.filter(pk=found.pk).exists()


def test_selected_records_are_added_to_a_list_or_to_a_new_one(admin_page: Client, deals: list[Deal]) -> None:
    found = static()
    ticked = {"action": "add_to_list_selected", "_selected_action": [deal.pk for deal in deals]}
    asked = admin_page.post(reverse("admin:crm_deal_changelist"), ticked).content.decode()
    assert "Add 2 records to a list" in asked
    ids = ",".join(str(deal.pk) for deal in deals)
    place = reverse("admin:crm_deal_add_to_list")
    told = admin_page.post(place, {"records": ids, "list": found.pk}, follow=True).content.decode()
    assert "2 records were added." in told
    admin_page.post(place, {"records": ids, "list": found.pk, "name": "Fresh"})
    assert ids_in(found) == ids_in(RecordList.objects.get(name="Fresh")) == {deal.pk for deal in deals}
    assert "Choose a list" in admin_page.post(place, {"records": ids}, follow=True).content.decode()


def test_thousands_are_added_in_the_background(admin_page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "AT_A_TIME", 20)
    records, found = Deal.objects.bulk_create(Deal(name="x") for _each in range(30)), static()
    ids = ",".join(str(deal.pk) for deal in records)
    told = admin_page.post(
        reverse("admin:crm_deal_add_to_list"), {"records": ids, "list": found.pk}, follow=True
    ).content.decode()
    assert "30 records are being added in the background" in told
    assert "Adding records: 0 so far" in told
    assert working.work(database_now()) == 30
    assert (ids_in(found), ListWork.objects.get().status) == ({deal.pk for deal in records}, "done")
    assert "30 records added." in admin_page.get(page_of(found)).content.decode()


def test_who_may_not_see_the_records_sees_no_lists_of_them(client: Client, seller: Any, deals: list[Deal]) -> None:
    found = static(*deals)
    client.force_login(seller)
    assert client.get(ALL).status_code == 403
    for name in ("remove", "clone", "convert"):
        assert client.post(reverse(f"admin:records_recordlist_{name}", args=[found.pk])).status_code in (403, 404)
    assert client.post(reverse("admin:crm_deal_add_to_list"), {"records": "1"}).status_code == 403
    assert client.get(page_of(found)).status_code in (403, 404)
    assert client.get(ADD).status_code == 403


def test_criteria_of_a_list_look_only_at_what_one_may_see(client: Client, seller: Any, deals: list[Deal]) -> None:
    rights = ("view_contact", "add_recordlist", "view_recordlist", "change_recordlist")
    seller.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client.force_login(seller)
    about_deals = {"all": [{"association": "deal", **BIG}]}
    facts = {"name": "Rich", "criteria": json.dumps(about_deals), "time_zone": "UTC"}
    place = f"{ADD}?object_type=contact&kind=active"
    told = client.post(place, facts).content.decode()
    assert "look at records of the type “deal”, which you may not see" in told
    assert not RecordList.objects.exists()

    found = keeping.create(object_types["contact"], "Rich", now=database_now(), criteria=about_deals)
    assert client.post(page_of(found), facts | {"name": "Of others"}).status_code == 302
    other = {"all": [{"association": "deal", "all": [BIG["all"][0] | {"value": 11}]}]}
    told = client.post(page_of(found), facts | {"criteria": json.dumps(other)}).content.decode()
    assert "look at records of the type “deal”, which you may not see" in told
    found.refresh_from_db()
    assert (found.name, found.segment.criteria) == ("Of others", about_deals)


def test_the_list_of_lists_counts_the_members_that_exist(admin_page: Client, deals: list[Deal]) -> None:
    static(*deals)
    static(name="Empty")
    Deal.objects.filter(pk=deals[0].pk).update(deleted_at=database_now())
    shown = admin_page.get(f"{ALL}?o=3").context["cl"].result_list
    assert [(one.name, one.number) for one in shown] == [("Empty", 0), ("Chosen", 1)]
