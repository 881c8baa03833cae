"""Rights on single properties on the CRM's pages and in the API: what is hidden, what is only shown, who sets them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from config import palette
from config.activity import latest
from crm.admin.import_mapping import MappingForm
from crm.models import Company, Contact, Deal, Form, FormSubmission, SavedColumns, User
from records.clock import database_now
from records.defining import define
from records.importing.reading import read
from records.models import Access, ImportRun, PropertyAccess, PropertyAccessChange, PropertyDefinition
from records.object_types import object_types
from records.problems import DocumentError
from records.property_access.granting import grant, levels_of
from records.saving import Row, save_batch
from tests.api.conftest import ApiClient, client_of, person
from tests.workflows.restricted import member

pytestmark = pytest.mark.django_db
PAGE = "admin:records_propertyaccess_changelist"
#: Numbers so long that no id, time or token on a page has their digits by chance.
BEFORE, NOW = 77_700_777, 88_800_888


@pytest.fixture
def secret() -> Deal:
    """A deal whose amount was BEFORE and is NOW."""
    deal = Deal.objects.create(name="Big one", amount=BEFORE)
    save_batch(object_types["deal"], [Row({"amount": NOW}, id=deal.pk)])
    return deal


def admin(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(reply: Any) -> str:
    return reply.content.decode()


def tells(text: str, number: int) -> bool:
    """Whether a text has a number in it, with or without signs between its thousands."""
    return re.search(rf"{number:,}".replace(",", r"\D?"), text) is not None


@pytest.mark.covers("PRM-09")
def test_no_page_shows_the_value_of_a_property_without_access(secret: Deal) -> None:
    una, vic = member("una", Access.NONE), member("vic", Access.VIEW)
    SavedColumns.objects.create(user=una, object_type="deal", columns=["amount", "stage"])
    record, listed = reverse("admin:crm_deal_change", args=[secret.pk]), reverse("admin:crm_deal_changelist")
    for page in (
        record,
        listed,
        reverse("admin:crm_deal_columns"),
        reverse("admin:crm_deal_timeline", args=[secret.pk]),
    ):
        html = text_of(admin(una).get(page))
        assert not tells(html, NOW) and not tells(html, BEFORE) and 'name="amount"' not in html, page
    assert tells(text_of(admin(vic).get(record)), NOW) and "was changed from" in text_of(admin(vic).get(record))
    assert tells(text_of(admin(vic).get(listed)), NOW)
    assert not any(tells(one.sentence, NOW) for one in latest(una, 10)) and any(
        tells(one.sentence, NOW) for one in latest(vic, 10)
    )


@pytest.mark.covers("PRM-09")
def test_addresses_searches_and_filters_do_not_tell_it_either(secret: Deal) -> None:
    una = member("una", Access.NONE)
    listed = reverse("admin:crm_deal_changelist")
    for guess in (f"amount={NOW}", "amount__gt=1", "custom__has_key=amount"):
        assert admin(una).get(f"{listed}?{guess}").status_code in (302, 400), guess
    owned = member("uma", Access.NONE, slug="owner")
    page = admin(owned).get(listed)
    assert "owner" not in [
        spec.parameter_name for spec in page.context["cl"].filter_specs if hasattr(spec, "parameter_name")
    ]
    hidden = person("ula", "crm.view_contact", is_staff=True)
    group = Group.objects.create(name="ulas")
    hidden.groups.add(group)
    PropertyAccess.objects.create(group=group, object_type="contact", property="phone", level=Access.NONE)
    Contact.objects.create(email="a@example.com", phone="+46701234567")
    found = reverse("admin:crm_contact_changelist") + "?q=46701234567"
    assert "a@example.com" not in text_of(admin(hidden).get(found))


@pytest.mark.covers("PRM-08")
def test_what_may_only_be_seen_is_shown_and_cannot_be_written_on_the_page(secret: Deal) -> None:
    vic = member("vic", Access.VIEW)
    url = reverse("admin:crm_deal_change", args=[secret.pk])
    form = admin(vic).get(url).context["form"]
    assert (
        form.fields["amount"].disabled and str(form.fields["amount"].help_text) == "You may see it but not change it"
    )
    sent = {name: value for name, value in ((one.html_name, one.value()) for one in form) if value not in (None, [])}
    admin(vic).post(url, sent | {"name": "Renamed", "amount": "1", "initial-amount": "1"})
    secret.refresh_from_db()
    assert (secret.name, secret.amount) == ("Renamed", NOW)
    add = admin(vic).get(reverse("admin:crm_deal_add"))
    assert "amount" not in add.context["form"].fields


@pytest.mark.covers("PRM-09")
def test_the_api_leaves_hidden_properties_out_and_refuses_to_filter_order_and_write_by_them(secret: Deal) -> None:
    una, vic = client_of(member("una", Access.NONE)), client_of(member("vic", Access.VIEW))
    assert "amount" not in una.send("GET", f"deals/{secret.pk}/").document["properties"]
    assert "amount" not in una.send("GET", "deals/").document["results"][0]["properties"]
    assert vic.send("GET", f"deals/{secret.pk}/").document["properties"]["amount"] == NOW
    big = json.dumps({"all": [{"property": "amount", "operator": "is_greater_than", "value": 1}]})
    refused = una.generic("GET", "/api/v1/deals/", QUERY_STRING=f"filter={big}")
    assert refused.status_code == 403 and "the property “amount”, which you may not see" in refused.content.decode()
    for query in ("ordering=amount", "properties=amount"):
        assert una.send("GET", f"deals/?{query}").status_code == 400
    for api, sentence in ((una, "You have no access to “amount”."), (vic, "You may see “amount” but not change it.")):
        reply = api.send("PATCH", f"deals/{secret.pk}/", {"properties": {"amount": 1}})
        assert reply.status_code == 400
        assert reply.document["errors"][0]["path"] == "properties.amount"
        assert sentence in reply.document["errors"][0]["message"]
        batch = {"records": [{"properties": {"name": "X", "amount": 1}}], "partial": True}
        assert api.send("POST", "deals/batch/", batch).document["invalid"] == 1


@pytest.mark.covers("PRM-09")
def test_the_api_says_which_properties_there_are_and_which_are_read_only(secret: Deal) -> None:
    def amount(api: ApiClient) -> list[bool]:
        types = api.send("GET", "object-types/").document["results"]
        (deal,) = [one for one in types if one["slug"] == "deal"]
        return [one["read_only"] for one in deal["properties"] if one["slug"] == "amount"]

    assert amount(client_of(member("una", Access.NONE))) == []
    assert amount(client_of(member("vic", Access.VIEW))) == [True]
    assert amount(client_of(member("eve", None))) == [False]


def test_criteria_of_lists_cannot_look_at_what_is_hidden(secret: Deal) -> None:
    una = member("una", Access.NONE, "records.add_recordlist", "records.view_recordlist")
    big = {"all": [{"property": "amount", "operator": "is_greater_than", "value": 1}]}
    made = client_of(una).send("POST", "lists/", {"name": "Big", "object": "deal", "criteria": big})
    assert made.status_code == 403 and "“amount”" in made.document["detail"]
    url = reverse("records:criteria-count", args=["deal"])
    counted = admin(una).post(url, {"criteria": big}, content_type="application/json")
    assert counted.status_code == 403


def test_imports_and_merges_keep_to_the_rights_of_who_does_them() -> None:
    user = person("ula", "crm.view_contact", "crm.change_contact", "crm.delete_contact", is_staff=True)
    group = Group.objects.create(name="ulas")
    user.groups.add(group)
    for slug, level in (("phone", Access.NONE), ("city", Access.VIEW)):
        PropertyAccess.objects.create(group=group, object_type="contact", property=slug, level=level)
    table = read(b"Email,Phone,City\na@example.com,1,Oslo\n")
    run = ImportRun(object_type="contact")
    offered = dict(MappingForm(run=run, table=table, user=User.objects.get(pk=user.pk)).fields["column_0"].choices)
    assert "phone" not in dict(offered["Properties"]) and "city" in dict(offered["Properties"])
    one = Contact.objects.create(email="a@example.com", city="Oslo", phone="+46701234567")
    two = Contact.objects.create(email="b@example.com", city="Rome", phone="+46701234568")
    url = reverse("admin:crm_contact_merge", args=[one.pk])
    page = admin(user).get(url, {"with": two.pk})
    lines = {line.slug: line for line in page.context["lines"]}
    assert "phone" not in lines and not lines["city"].differs and "4670123" not in text_of(page)
    sent = {"with": two.pk, "sure": "on", "keep-city": "loser"}
    assert "You may see “city” but not change it" in text_of(admin(user).post(url, sent))
    assert Contact.objects.filter(deleted_at=None).count() == 2


def test_answers_to_forms_are_listed_and_exported_without_what_is_hidden(db: None) -> None:
    user = person("ula", "crm.view_contact", "crm.view_formsubmission", is_staff=True)
    group = Group.objects.create(name="ulas")
    user.groups.add(group)
    PropertyAccess.objects.create(group=group, object_type="contact", property="phone", level=Access.NONE)
    values = {
        f"contact.{slug}": {"label": slug, "value": text, "text": text}
        for slug, text in (("phone", "4670"), ("city", "Oslo"))
    }
    contact, form = Contact.objects.create(email="a@example.com"), Form.objects.create(name="F", slug="f")
    sent = FormSubmission.objects.create(form=form, contact=contact, values=values, submitted_at=database_now())
    for page in ("changelist", "export"):
        html = b"".join(admin(user).get(reverse(f"admin:crm_formsubmission_{page}"))).decode()
        assert "4670" not in html and "Oslo" in html
    story = text_of(admin(user).get(reverse("admin:crm_formsubmission_change", args=[sent.pk])))
    assert "4670" not in story and "Oslo" in story


def test_rights_are_set_on_a_page_and_every_change_is_listed_there(admin_page: Client, boss: User) -> None:
    sales = Group.objects.create(name="Sales")
    url = f"{reverse(PAGE)}?group={sales.pk}&object_type=deal"
    form = admin_page.get(url).context["form"]
    rows = {row.slug: [cell.can for cell in row.cells] for row in form.rows()}
    assert rows["amount"] == [True, True, True] and rows["name"] == [False, True, True] and "id" not in rows
    everything = {slug: str(Access.EDIT.value) for slug in rows}
    told = admin_page.post(url, everything | {"amount": "0", "stage": "1"}, follow=True)
    assert "2 rights of “Sales” were changed." in text_of(told)
    assert levels_of(sales, object_types["deal"]) == {"amount": Access.NONE, "stage": Access.VIEW}
    changes = [(str(one.user), what, one.before, one.after) for one, what in told.context["changes"]]
    assert changes[0][1].lower().startswith("stage of") and {one[0] for one in changes} == {str(boss)}
    bad = admin_page.post(url, everything | {"name": "0"})
    assert bad.context["form"].errors and PropertyAccess.objects.count() == 2


def test_who_may_only_look_at_rights_cannot_set_them(client: Client) -> None:
    Group.objects.create(name="Sales")
    viewer = person("viewer", "records.view_propertyaccess", is_staff=True)
    client.force_login(viewer)
    page = client.get(reverse(PAGE))
    assert page.status_code == 200 and "Save the rights" not in text_of(page)
    assert client.post(reverse(PAGE), {"amount": "0"}).status_code == 403
    client.force_login(person("stranger", is_staff=True))
    assert client.get(reverse(PAGE)).status_code == 403
    assert not PropertyAccessChange.objects.exists()


def test_without_groups_the_page_says_so(admin_page: Client) -> None:
    assert "There are no groups yet" in text_of(admin_page.get(reverse(PAGE)))


@pytest.mark.parametrize(("level", "shown"), [(Access.NONE, False), (Access.VIEW, True)])
def test_the_marketing_status_is_hidden_or_only_shown_and_set_by_nobody_without_the_right(level, shown) -> None:
    user = person("ula", "crm.view_contact", "crm.change_contact", is_staff=True)
    group = Group.objects.create(name="ulas")
    user.groups.add(group)
    PropertyAccess.objects.create(group=group, object_type="contact", property="marketing_status", level=level)
    contact = Contact.objects.create(email="a@example.com")
    page = admin(user).get(reverse("admin:crm_contact_change", args=[contact.pk]))
    assert (page.context["marketing"] is not None) == shown
    assert "Make a marketing contact" not in text_of(page)
    sent = admin(user).post(reverse("admin:crm_contact_marketing", args=[contact.pk]), {"status": "marketing"})
    contact.refresh_from_db()
    assert sent.status_code == 403 and contact.marketing_status == "non_marketing"


def test_the_palette_finds_nothing_by_what_is_hidden() -> None:
    una = member("una", None, "crm.view_company")
    Company.objects.create(name="Nothing", domain="secret.example")
    assert palette.search("secret", una, []) != []
    grant(una.groups.get(), object_types["company"], {"domain": Access.NONE}, by=una, now=database_now())
    assert palette.search("secret", User.objects.get(pk=una.pk), []) == []


def test_it_is_not_told_whether_another_record_has_a_hidden_value() -> None:
    define(PropertyDefinition(object_type="deal", slug="code", label="Code", type="text", unique=True))
    una, kind = member("una", Access.NONE, slug="code"), object_types["deal"]
    save_batch(kind, [Row({"name": "Other", "code": "X1"})])
    deal, told = Deal.objects.create(name="Mine"), []
    for guess in ("X1", "X2"):
        with pytest.raises(DocumentError) as refused:
            save_batch(kind, [Row({"code": guess}, id=deal.pk)], actor=una)
        told.append([(problem.code, problem.message) for problem in refused.value.problems])
    assert told[0] == told[1] and told[0][0][0] == "forbidden"
