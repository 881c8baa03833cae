"""Steps with secrets and options: who may choose them, what they come to, and running a script from the editor."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from crm.models import Contact, User
from records.problems import DocumentError
from tests.workflows.actions.test_custom_code import DOUBLE, code, main, problems, told, walked
from tests.workflows.building import NOW
from workflows import drafting
from workflows.definitions.permitted import refuse_new
from workflows.lifecycle import publishing
from workflows.models import CodeRun, Connection
from workflows.outside import connecting

pytestmark = pytest.mark.django_db
FACTS = {"name": "Shop", "origin": "https://shop.example.com", "auth": "code", "secret": "tok-12345678"}


def with_secret(text, slug="shop", **kinds):
    made = code("js", text, {}, kinds)
    made["params"]["secrets"] = [{"name": "TOKEN", "connection": slug}]
    return made


@pytest.mark.covers("DOP-05", "DOP-06")
def test_a_step_gets_its_secret_and_gives_one_of_its_options():
    connecting.create(FACTS, by=None, now=NOW)
    text = "console.log('with', process.env.TOKEN); return { outputFields: { tier: event.inputFields.city } };"
    script = with_secret(main(text), tier="select")
    script["params"]["inputs"] = [{"name": "city", "from": "city"}]
    script["params"]["outputs"][0]["options"] = "gold; silver"
    assert problems(script) == {}
    ids = [Contact.objects.create(city=city).pk for city in ("gold", "tin")]
    good, bad = walked(script, ids=ids)
    assert good.outputs["js"] == {"tier": "gold"} and "with •••" in told(good)[-1]
    assert "the output “tier” is “tin”" in told(bad)[-1]
    Connection.objects.update(secret_sealed="x")
    (gone,) = walked(script, ids=ids[:1])
    assert "The secret of the connection “Shop” cannot be read. Give it anew." in told(gone)[-1]


@pytest.mark.covers("DOP-05")
def test_secrets_have_a_thousand_characters_together_and_are_those_made_for_code():
    for number in range(2):
        connecting.create({**FACTS, "name": f"Long {number}", "secret": "x" * 501}, by=None, now=NOW)
    connecting.create({**FACTS, "name": "Other", "auth": "bearer"}, by=None, now=NOW)
    rows = [{"name": f"S{n}", "connection": f"long_{n}"} for n in range(2)]
    script = code("js", DOUBLE)
    script["params"]["secrets"] = rows
    assert any("1002 characters together, 1000 at most" in text for text in problems(script).values())
    assert any("no secret “other”" in text for text in problems(with_secret(DOUBLE, "other")).values())
    options = code("js", DOUBLE, {}, {"x": "select"})
    assert any("has no options" in text for text in problems(options).values())


def test_another_connections_token_becomes_a_secret_of_code_only_by_being_given_anew():
    made = connecting.create({**FACTS, "auth": "bearer"}, by=None, now=NOW)
    with pytest.raises(DocumentError, match="secret is missing"):
        connecting.change(made, {"auth": "code"}, by=None, now=NOW)
    with pytest.raises(DocumentError, match="4 to 1000 characters"):
        connecting.change(made, {"auth": "code", "secret": "abc"}, by=None, now=NOW)
    connecting.change(made, {"auth": "code", "secret": "abcd"}, by=None, now=NOW)
    assert connecting.headers(made) == {}


def test_choosing_secrets_takes_the_right_to_write_code():
    user = User.objects.create(username="ben", is_staff=True)
    rights = Permission.objects.filter(codename__in=("change_workflow", "view_connection"))
    user.user_permissions.add(*rights.filter(content_type__app_label="workflows"))
    with pytest.raises(DocumentError, match="Can write custom code"):
        refuse_new({"steps": [code("js", DOUBLE)]}, {"steps": [with_secret(DOUBLE)]}, user)


def changed(script, **params):
    return {**script, "params": {**script["params"], **params}}


@pytest.mark.covers("DOP-05")
def test_changing_code_that_has_secrets_takes_the_right_to_choose_them(client):
    connecting.create(FACTS, by=None, now=NOW)
    boss = User.objects.create_superuser("boss", "b@example.com", "pw")
    ben = User.objects.create(username="ben", is_staff=True)
    known = ("view_workflow", "change_workflow", "view_contact", "write_code")
    ben.user_permissions.add(*Permission.objects.filter(codename__in=known))
    script = with_secret(main("console.log('seen');"))
    before, other = {"steps": [script]}, changed(script, code=main("console.log([...process.env.TOKEN]);"))
    with pytest.raises(DocumentError, match="“shop”") as refused:
        refuse_new(before, {"steps": [other]}, ben)
    assert [one.path for one in refused.value.problems] == ["steps.0.params.code"]
    aimed = changed(script, inputs=[{"name": "address", "from": "city"}])
    with pytest.raises(DocumentError, match="“shop”"):
        refuse_new(before, {"steps": [aimed]}, ben)
    refuse_new(before, {"steps": [{"id": "end", "action": "end"}, {**script, "comment": "why"}]}, ben)
    refuse_new(before, {"steps": []}, ben)
    refuse_new(before, {"steps": [other]}, boss)
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": [script]}
    workflow = drafting.create("Tried", "contact", boss, definition=document)
    asked = {"step": "js", "record": str(Contact.objects.create(email="a@example.com").pk), "run": "on"}
    url = reverse("admin:workflow_try_step", args=[workflow.pk])
    client.force_login(ben)
    page = client.post(url, asked).content.decode()
    assert "seen" not in page and "you cannot run it here" in page
    publishing.publish(workflow, by=boss, now=NOW, enroll_existing=False)
    assert "ran to its end" in client.post(url, asked).content.decode()


@pytest.mark.covers("DOP-09")
def test_a_script_is_really_run_from_the_editor_for_who_may_write_code_and_asks_for_it(client):
    boss = User.objects.create_superuser("boss", "boss@example.com", "pw")
    text = main("console.log('seen', event.object.objectId); callback({ outputFields: { twice: 8 } });")
    steps = [code("js", text, {}, {"twice": "number"})]
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    workflow = drafting.create("Tried", "contact", boss, definition=document)
    contact = Contact.objects.create(email="a@example.com")
    url = reverse("admin:workflow_try_step", args=[workflow.pk])
    client.force_login(boss)
    asked = {"step": "js", "record": str(contact.pk)}
    first = client.post(url, asked).content.decode()
    assert "data-try-run" in first and "seen" not in first
    ran = client.post(url, {**asked, "run": "on"}).content.decode()
    assert f"seen {contact.pk}" in ran and "twice" in ran and " ms, " in ran and "ran to its end" in ran
    viewer = User.objects.create(username="vic", is_staff=True)
    known = ("view_workflow", "change_workflow", "view_contact")
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=known))
    client.force_login(viewer)
    for more in ({}, {"run": "on"}):
        refused = client.post(url, {**asked, **more}).content.decode()
        assert "seen" not in refused and "data-try-run" not in refused
    assert not CodeRun.objects.exists()
