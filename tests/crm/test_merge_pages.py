"""Merging on the record pages: search, comparison, rights, and where the other record's page leads."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from crm.models import Company, Contact, Note, User
from records.associations import associate
from records.clock import database_now
from records.merging.performing import merge
from records.object_types import object_types

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(db: None) -> tuple[Contact, Contact]:
    ann = Contact.objects.create(email="ann@example.com", first_name="Ann", city="Lund")
    anne = Contact.objects.create(email="anne@example.com", first_name="Ann", city="Oslo", job_title="CEO")
    associate("contact", "company", [(anne.pk, Company.objects.create(name="Acme").pk)])
    return ann, anne


def page(record: Any) -> str:
    return f"/admin/crm/{record._meta.model_name}/{record.pk}/"


def test_the_other_one_is_searched_by_name(admin_page: Client, two: tuple[Contact, Contact]) -> None:
    ann, anne = two
    assert f'href="{page(ann)}merge/"' in admin_page.get(f"{page(ann)}change/").content.decode()
    found = admin_page.get(f"{page(ann)}merge/", {"q": "anne@"}).content.decode()
    assert f'href="?with={anne.pk}"' in found
    assert "anne@example.com" in found
    part = admin_page.get(f"{page(ann)}merge/", {"q": "ann"}, headers={"HX-Request": "true"}).content.decode()
    assert f"with={anne.pk}" in part
    assert f"with={ann.pk}" not in part
    assert "<html" not in part
    assert "Nothing found" in admin_page.get(f"{page(ann)}merge/", {"q": "zz"}).content.decode()


def test_both_are_compared_and_what_happens_is_told(admin_page: Client, two: tuple[Contact, Contact]) -> None:
    ann, anne = two
    shown = admin_page.get(f"{page(ann)}merge/", {"with": anne.pk}).content.decode()
    assert shown.index('name="keep-city"') < shown.index('id="merge-first_name"')
    assert 'name="keep-first_name"' not in shown
    assert 'name="keep-job_title" value="loser" checked' in shown
    assert "1 association moves over." in shown
    assert "no way back" in shown
    assert f'href="{page(anne)}merge/?with={ann.pk}"' in shown


def test_nothing_is_merged_before_the_person_is_sure(admin_page: Client, two: tuple[Contact, Contact]) -> None:
    ann, anne = two
    sent = {"with": anne.pk, "keep-city": "loser"}
    shown = admin_page.post(f"{page(ann)}merge/", sent)
    assert shown.status_code == 200
    assert 'name="keep-city" value="loser" checked' in shown.content.decode()
    assert Contact.objects.filter(deleted_at=None).count() == 2
    done = admin_page.post(f"{page(ann)}merge/", {**sent, "sure": "on"}, follow=True)
    assert done.redirect_chain == [(f"{page(ann)}change/", 302)]
    ann.refresh_from_db()
    assert (ann.city, ann.job_title) == ("Oslo", "CEO")
    assert "Merged with" in done.content.decode()


def test_the_page_of_the_other_leads_to_what_it_went_into(admin_page: Client, two: tuple[Contact, Contact]) -> None:
    ann, anne = two
    merge(object_types["contact"], ann.pk, anne.pk, now=database_now())
    for path in ("change/", "merge/"):
        reply = admin_page.get(f"{page(anne)}{path}", follow=True)
        assert reply.redirect_chain == [(f"{page(ann)}change/", 302)]
        assert f"was merged into the contact {ann.pk}" in reply.content.decode()
    restored = admin_page.post(f"{page(anne)}restore/", follow=True).content.decode()
    assert "was merged into" in restored
    assert Contact.objects.filter(deleted_at=None).count() == 1


@pytest.mark.parametrize("missing", ["change_contact", "delete_contact"])
def test_whoever_may_not_change_and_delete_may_not_merge(
    client: Client, two: tuple[Contact, Contact], missing: str
) -> None:
    ann, anne = two
    user = User.objects.create_user("sam", is_staff=True)
    rights = {"view_contact", "change_contact", "delete_contact"} - {missing}
    user.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    client.force_login(user)
    assert f"{page(ann)}merge/" not in client.get(f"{page(ann)}change/").content.decode()
    assert client.get(f"{page(ann)}merge/").status_code == 403
    assert client.get(f"{page(ann)}merge/", {"with": anne.pk}).status_code == 403
    assert client.post(f"{page(ann)}merge/", {"with": anne.pk, "sure": "on"}).status_code == 403
    assert Contact.objects.filter(deleted_at=None).count() == 2


@pytest.mark.parametrize("other", ["", "²", "0", "999999", "self", "deleted"])
def test_a_record_that_is_none_is_refused(admin_page: Client, two: tuple[Contact, Contact], other: str) -> None:
    ann, anne = two
    if other == "deleted":
        Contact.objects.filter(pk=anne.pk).update(deleted_at=database_now())
    sent = {"self": str(ann.pk), "deleted": str(anne.pk)}.get(other, other)
    reply = admin_page.post(f"{page(ann)}merge/", {"with": sent, "sure": "on"}, follow=True)
    assert reply.redirect_chain == [(f"{page(ann)}merge/", 302)]
    assert "does not exist any more, or is this one" in reply.content.decode()


def test_what_cannot_be_merged_has_no_such_page(admin_page: Client) -> None:
    note = Note.objects.create(body="x")
    assert admin_page.get(f"{page(note)}merge/").status_code == 302
    assert "Merge with" not in admin_page.get(f"{page(note)}change/").content.decode()


def test_comparing_costs_the_same_however_much_there_is(
    admin_page: Client, two: tuple[Contact, Contact], django_assert_max_num_queries: Any
) -> None:
    ann, anne = two
    made = Company.objects.bulk_create(Company(name=f"C{i}") for i in range(50))
    associate("contact", "company", [(anne.pk, one.pk) for one in made])
    with django_assert_max_num_queries(40):
        assert admin_page.get(f"{page(ann)}merge/", {"with": anne.pk}).status_code == 200
