"""Connections keep secrets that can be written, used and never read."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import DELETION, LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from records.problems import DocumentError
from records.sealing import Unreadable
from tests.api.conftest import client_of, person
from tests.workflows.building import NOW, make_workflow, step
from workflows.models import Connection
from workflows.outside import connecting
from workflows.webhooks import keeping

pytestmark = pytest.mark.django_db

SECRET = "sk-live-0123456789-XYZ"
FACTS = {
    "name": "Shop",
    "origin": "https://API.example.com/",
    "auth": "header",
    "auth_name": "X-Api-Key",
    "secret": SECRET,
}


@pytest.fixture
def shop(admin_user):
    return connecting.create(FACTS, by=admin_user, now=NOW)


def faults(refused):
    return [problem.path for problem in refused.value.problems]


def test_a_secret_is_sealed_and_belongs_to_its_connection(shop, admin_user):
    shop.refresh_from_db()
    assert (shop.origin, shop.slug, shop.secret_ends) == ("https://api.example.com", "shop", "YZ")
    assert (shop.secret_set_at, shop.secret_set_by) == (NOW, admin_user)
    assert SECRET not in json.dumps(list(Connection.objects.values()), default=str)
    assert connecting.headers(shop) == {"X-Api-Key": SECRET}
    other = connecting.create(FACTS, by=admin_user, now=NOW)
    assert other.slug == "shop_2"
    other.secret_sealed = shop.secret_sealed
    with pytest.raises(Unreadable):
        connecting.headers(other)


@pytest.mark.parametrize(
    ("auth", "name", "headers", "parameters"),
    [
        ("none", "", {}, {}),
        ("bearer", "", {"Authorization": "Bearer p:w"}, {}),
        ("header", "X-Key", {"X-Key": "p:w"}, {}),
        ("query", "api_key", {}, {"api_key": "p:w"}),
        ("basic", "amy", {"Authorization": "Basic YW15OnA6dw=="}, {}),
    ],
)
@pytest.mark.covers("DOP-17")
def test_it_signs_in_in_five_ways(auth, name, headers, parameters, admin_user):
    made = connecting.create(
        {"name": "X", "origin": "https://x.example.com", "auth": auth, "auth_name": name, "secret": "p:w"},
        by=admin_user, now=NOW,
    )  # fmt: skip
    assert (connecting.headers(made), connecting.parameters(made)) == (headers, parameters)


@pytest.mark.parametrize(
    ("facts", "paths"),
    [
        ({"name": " "}, ["name"]),
        ({"origin": "https://10.0.0.1:22"}, ["origin"]),
        ({"origin": "http://example.com"}, ["origin"]),
        ({"origin": "https://example.com/v1"}, ["origin"]),
        ({"auth": "magic"}, ["auth"]),
        ({"auth_name": "Host"}, ["auth_name"]),
        ({"auth_name": "webhook-signature"}, ["auth_name"]),
        ({"auth_name": "X Y"}, ["auth_name"]),
        ({"secret": ""}, ["secret"]),
        ({"secret": "a\r\nB: c"}, ["secret"]),
        ({"secret": "x" * 5_000}, ["secret"]),
        ({"limit_count": 0}, ["limit_count"]),
        ({"limit_count": True}, ["limit_count"]),
        ({"limit_per": "year"}, ["limit_per"]),
        ({"auth": "basic", "auth_name": "a:b"}, ["auth_name"]),
        ({"auth": "query", "auth_name": "a&b"}, ["auth_name"]),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_made(facts, paths, admin_user):
    with pytest.raises(DocumentError) as refused:
        connecting.create({**FACTS, **facts}, by=admin_user, now=NOW)
    assert faults(refused) == paths and not Connection.objects.exists()
    assert all(SECRET not in str(problem.message) for problem in refused.value.problems)


def test_a_secret_stays_where_it_was_given_for(shop, admin_user):
    connecting.change(shop, {"name": "Shop 2"}, by=admin_user, now=NOW)
    assert connecting.headers(shop) == {"X-Api-Key": SECRET}
    with pytest.raises(DocumentError) as refused:
        connecting.change(shop, {"origin": "https://elsewhere.example.com"}, by=admin_user, now=NOW)
    assert faults(refused) == ["secret"]
    shop.refresh_from_db()
    assert shop.origin == "https://api.example.com"
    connecting.change(shop, {"origin": "https://elsewhere.example.com", "secret": "new"}, by=admin_user, now=NOW)
    assert (connecting.headers(shop), shop.secret_ends) == ({"X-Api-Key": "new"}, "")
    connecting.change(shop, {"auth": "none"}, by=admin_user, now=NOW)
    assert (shop.secret_sealed, shop.secret_set_at, connecting.headers(shop)) == ("", None, {})


def test_keys_are_changed_by_sealing_anew(shop, settings, admin_user):
    first, second = settings.HEADRACE_SECRET_KEYS[0], Fernet.generate_key().decode()
    connecting.sign(shop, now=NOW)
    webhook = keeping.create("Orders", "contact", by=admin_user)
    token = keeping.token_of(webhook)
    settings.HEADRACE_SECRET_KEYS = [second, first]
    call_command("reseal_secrets")
    settings.HEADRACE_SECRET_KEYS = [second]
    shop.refresh_from_db()
    webhook.refresh_from_db()
    assert connecting.headers(shop) == {"X-Api-Key": SECRET} and keeping.token_of(webhook) == token
    assert len(connecting.signing_secrets(shop, NOW)) == 1
    settings.HEADRACE_SECRET_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="Shop, Orders"):
        call_command("reseal_secrets")


def test_two_secrets_sign_for_a_day_after_a_new_one(shop):
    first = connecting.sign(shop, now=NOW)
    second = connecting.sign(shop, now=NOW)
    shop.refresh_from_db()
    assert connecting.signing_secrets(shop, NOW) == [second, first]
    assert connecting.signing_secrets(shop, NOW + dt.timedelta(hours=24)) == [second]
    connecting.unsign(shop)
    assert connecting.signing_secrets(shop, NOW) == []


def test_one_that_a_workflow_names_is_not_deleted(shop, client, admin_user):
    make_workflow([step("s", "send_webhook", method="POST", url="/x", connection="shop")])
    make_workflow([step("s", "create_note", body='"shop"')])
    assert connecting.users(shop) == ["Test"]
    with pytest.raises(DocumentError, match="used by “Test”"):
        connecting.delete(shop)
    assert Connection.objects.exists()
    client.force_login(admin_user)
    assert page_of(client, "workflows_connection_delete", shop.pk, x="y").status_code == 302
    assert Connection.objects.exists()
    assert not LogEntry.objects.filter(action_flag=DELETION).exists()


def page_of(client, page, *arguments, **data):
    url = reverse(f"admin:{page}", args=arguments)
    return client.post(url, data) if data else client.get(url)


def test_the_admin_takes_secrets_and_never_shows_them(admin_client, admin_user):
    facts = {**FACTS, "limit_count": "10", "limit_per": "second"}
    assert page_of(admin_client, "workflows_connection_add").status_code == 200
    assert (
        page_of(admin_client, "workflows_connection_add", **{**facts, "origin": "https://[::1]:22"}).status_code == 200
    )
    assert not Connection.objects.exists()
    assert page_of(admin_client, "workflows_connection_add", **facts).status_code == 302
    shop = Connection.objects.get()
    assert (shop.limit_count, shop.limit_per, connecting.headers(shop)) == (10, "second", {"X-Api-Key": SECRET})
    shown = page_of(admin_client, "workflows_connection_change", shop.pk)
    assert SECRET not in shown.content.decode() and "It ends in “YZ”" in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    # An empty field keeps the secret.
    assert page_of(admin_client, "workflows_connection_change", shop.pk, **{**facts, "secret": ""}).status_code == 302
    shop.refresh_from_db()
    assert connecting.headers(shop) == {"X-Api-Key": SECRET}
    signed = page_of(admin_client, "connection_sign", shop.pk, x="y").content.decode()
    shop.refresh_from_db()
    [secret] = connecting.signing_secrets(shop, NOW)
    assert secret in signed
    assert secret not in page_of(admin_client, "workflows_connection_change", shop.pk).content.decode()
    assert page_of(admin_client, "workflows_connection_changelist").status_code == 200
    logged = " ".join(LogEntry.objects.values_list("change_message", flat=True))
    assert logged and SECRET not in logged and secret not in logged
    assert page_of(admin_client, "connection_unsign", shop.pk, x="y").status_code == 302
    assert page_of(admin_client, "workflows_connection_delete", shop.pk).status_code == 200
    assert page_of(admin_client, "workflows_connection_delete", shop.pk, x="y").status_code == 302
    assert not Connection.objects.exists()


def test_rights_to_see_are_not_rights_to_change(shop):
    viewer = person("viewer", "workflows.view_connection")
    viewer.is_staff = True
    viewer.save()
    client, stranger = Client(), Client()
    client.force_login(viewer)
    nobody = person("nobody")
    nobody.is_staff = True
    nobody.save()
    stranger.force_login(nobody)
    shown = page_of(client, "workflows_connection_change", shop.pk)
    assert shown.status_code == 200 and SECRET not in shown.content.decode()
    for one in (client, stranger):
        for name in (
            "workflows_connection_change",
            "workflows_connection_delete",
            "connection_sign",
            "connection_unsign",
        ):
            assert page_of(one, name, shop.pk, **FACTS).status_code == 403, name
        assert page_of(one, "workflows_connection_add", **FACTS).status_code == 403
    assert page_of(stranger, "workflows_connection_change", shop.pk).status_code == 403
    shop.refresh_from_db()
    assert not shop.signs


def test_the_api_takes_secrets_and_never_gives_them_back(admin_user):
    api = client_of(admin_user)
    body = {**FACTS, "limit": {"count": 5, "per": "minute"}}
    made = api.send("POST", "connections/", body)
    assert made.status_code == 201
    assert made.document["secret"].keys() == {"set_at", "set_by", "ends"} and made.document["secret"]["ends"] == "YZ"
    path = f"connections/{made.document['id']}/"
    told = json.dumps([made.document, api.send("GET", path).document, api.send("GET", "connections/").document])
    assert SECRET not in told
    assert api.send("PATCH", path, {"limit": None, "name": "Else"}).document["limit"] is None
    wrong = api.send("PATCH", path, {"origin": "https://169.254.169.254:22", "secret": SECRET})
    assert wrong.status_code == 400 and SECRET not in json.dumps(wrong.document)
    assert api.send("PATCH", path, {"secret_sealed": "x"}).status_code == 400
    assert api.send("PATCH", path, {"limit": {"count": 0, "per": "second"}}).status_code == 400
    secret = api.send("POST", f"{path}sign/").document["secret"]
    assert secret.startswith("whsec_") and api.send("GET", path).document["signed"]
    assert api.send("PATCH", path, {"signed": False}).document["signed"] is False
    make_workflow([step("s", "send_webhook", method="POST", url="/x", connection="shop")])
    assert api.send("DELETE", path).status_code in (400, 409)
