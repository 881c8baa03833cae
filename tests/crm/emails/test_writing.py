"""Emails are written, seen, tried out and put away in the admin; what does harm never gets in."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from crm.emails import cleaning, pieces
from crm.models import EmailTemplate, User
from records.clock import database_now
from records.models import Access, PropertyAccess
from tests.crm.emails.conftest import BODY, contact
from tests.workflows.building import NOW, make_workflow, step
from workflows.definitions import parsing
from workflows.lifecycle import publishing
from workflows.models import Revision
from workflows.outbox.delivering import deliver
from workflows.registries import actions
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db
ADD, LIST = "admin:crm_emailtemplate_add", "admin:crm_emailtemplate_changelist"
PAGE = "admin:crm_emailtemplate_change"


@pytest.fixture
def boss(client):
    user = User.objects.create_superuser("boss", "boss@example.com", "x")
    client.force_login(user)
    return user


def facts(**more):
    return {
        "name": "Spring", "subject": "Spring", "type": "news", "body": BODY, "track_opens": "on", **more,
    }  # fmt: skip


def test_an_email_is_written_and_keeps_its_internal_name(client, boss, news):
    client.post(reverse(ADD), facts())
    made = EmailTemplate.objects.get()
    assert (made.slug, made.type, made.track_opens, made.track_clicks, made.changed_by) == (
        "spring", news, True, False, boss
    )  # fmt: skip
    page = client.get(reverse(PAGE, args=[made.pk])).content.decode()
    assert "data-email-body" in page and "{{ contact.first_name }}" in page and "No workflow sends this email." in page
    client.post(reverse(PAGE, args=[made.pk]), facts(slug="other", subject="Summer"))
    made.refresh_from_db()
    assert (made.slug, made.subject) == ("spring", "Summer")
    assert "Spring" in client.get(reverse(LIST)).content.decode()


HARMFUL = (
    '<p onclick="x()" style="color:red" class="a">Hi<script>alert(1)</script><style>p{}</style></p>'
    '<iframe src="/"></iframe><form action="/x"><input name="a"></form><svg></svg>'
    '<img src="https://x.example/y.png" onerror="x()" alt="y">'
)


def test_what_mail_must_not_have_is_cut_out(client, boss, news):
    client.post(reverse(ADD), facts(body=HARMFUL))
    body = EmailTemplate.objects.get().body
    assert body.startswith("<p>Hi</p>") and '<img src="https://x.example/y.png" alt="y">' in body
    for word in ("script", "style", "onclick", "onerror", "iframe", "form", "input", "svg", "class"):
        assert word not in body


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('<a href="javascript:alert(1)">x</a>', "begins with none of"),
        ('<a href="www.example.com">x</a>', "begins with none of"),
        ('<a href="https://{{ contact.city }}.example.com">x</a>', "has no host"),
        ('<img src="data:image/png;base64,AAAA" alt="">', "begins with none of"),
        ("<p>{{ contact.shoe_size }}</p>", "There is no token “contact.shoe_size”"),
        ("<p>{{ contact.first_<b>name</b> }}</p>", "cannot be read"),
        ("<p>{% include 'x' %}</p>", "cannot stand in a text"),
        ("<p>" + "x" * 100_000 + "</p>", "Shorten it"),
    ],
)
def test_what_could_not_be_sent_is_refused_with_the_remedy(client, boss, news, body, sentence):
    page = client.post(reverse(ADD), facts(body=body)).content.decode()
    assert sentence in page and not EmailTemplate.objects.exists()


def test_the_plain_text_says_what_the_html_says():
    body = cleaning.clean(
        '<h2>Offer</h2><p>One<br>two <a href="https://a.example/">here</a></p><ol><li>a</li><li>b</li></ol><hr>'
        '<p><img src="https://a.example/i.png" alt="A cake"> <a href="mailto:x@example.com">x@example.com</a></p>'
    )
    read = pieces.read(body)
    words = [piece.plain for piece in read if isinstance(piece, pieces.Words)]
    assert words[:4] == ["Offer", "One", "two ", "here"] and "A cake" in words
    assert [piece.text for piece in read if isinstance(piece, pieces.Plain)].count("\n1. ") == 1
    written = [piece.template for piece in read if isinstance(piece, pieces.Written)]
    assert written == ["https://a.example/"], "an address that is said already is not said twice"


def test_the_preview_has_a_contacts_values_in_a_frame_that_can_do_nothing(client, boss, welcome):
    contact("Ann", city="Oslo")
    page = client.get(
        reverse("admin:email_preview", args=[welcome.pk]), {"contact": "ann@example.com"}
    ).content.decode()
    assert "Good news, Ann" in page and '<iframe class="email-frame" sandbox src=' in page and "Hello Ann" in page
    frame = client.get(reverse("admin:email_message", args=[welcome.pk]), {"contact": "Ann"})
    policy = frame["Content-Security-Policy"]
    assert "sandbox" in policy and "default-src 'none'" in policy and "script-src 'none'" in policy
    assert frame["X-Frame-Options"] == "SAMEORIGIN" and "Hello Ann</h1>" in frame.content.decode()
    assert "/t/" not in frame.content.decode(), "looking at it counts nothing"
    missing = client.get(reverse("admin:email_preview", args=[welcome.pk]), {"contact": "nobody"}).content.decode()
    assert "There is no such contact." in missing


def test_what_is_hidden_is_neither_offered_nor_found_by(client, welcome):
    user = User.objects.create_user("una", email="una@example.com", is_staff=True)
    names = ("view_emailtemplate", "change_emailtemplate", "view_contact")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    contact("Ann", city="Oslo")
    contact("Zoe", city="Rome")
    client.force_login(user)
    page, preview = reverse(PAGE, args=[welcome.pk]), reverse("admin:email_preview", args=[welcome.pk])
    assert "{{ contact.email }}" in client.get(page).content.decode()
    group = Group.objects.create(name="Blind")
    user.groups.add(group)
    for hidden in ("email", "last_name"):
        PropertyAccess.objects.create(group=group, object_type="contact", property=hidden, level=Access.NONE)
    assert "{{ contact.email }}" not in client.get(page).content.decode()
    for asked in ("ann@example.com", "Ann"):
        assert "There is no such contact." in client.get(preview, {"contact": asked}).content.decode()
    assert "Good news, Zoe" in client.get(preview).content.decode()


def test_a_test_goes_to_oneself_and_to_nobody_else(client, boss, welcome, postbox):
    ann = contact("Ann")
    answer = client.post(reverse("admin:email_test", args=[welcome.pk]), {"contact": ann.pk}, follow=True)
    assert "The test is on its way to boss@example.com." in answer.content.decode()
    deliver(database_now())
    assert postbox.to("boss@example.com")["Subject"] == "Good news, Ann" and len(postbox.taken) == 1


def test_an_email_in_use_is_archived_not_deleted(client, boss, welcome):
    workflow = make_workflow([step("mail", "send_email", email="welcome")])
    page = client.get(reverse(PAGE, args=[welcome.pk])).content.decode()
    assert f"/{workflow.pk}/" in page and "1 workflow sends it, so it cannot be deleted" in page
    assert (
        client.post(reverse("admin:crm_emailtemplate_delete", args=[welcome.pk]), {"post": "yes"}).status_code == 403
    )
    client.post(reverse("admin:email_archive", args=[welcome.pk]))
    welcome.refresh_from_db()
    assert welcome.archived_at
    form = actions["send_email"].Params(document={"email": "welcome"}, context=context_of({}))
    assert form.is_valid() and ("welcome", "Welcome (archived)") in form.fields["email"].choices
    empty = actions["send_email"].Params(document={}, context=context_of({}))
    assert [value for value, _label in empty.fields["email"].choices] == [""]


def test_who_may_only_look_changes_and_sends_nothing(client, welcome):
    looker = User.objects.create_user("looker", "looker@example.com", "x", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_emailtemplate"))
    client.force_login(looker)
    assert client.get(reverse(PAGE, args=[welcome.pk])).status_code == 200
    assert client.get(reverse("admin:email_preview", args=[welcome.pk])).status_code == 403, "it may not see contacts"
    for name in ("email_test", "email_archive"):
        assert client.post(reverse(f"admin:{name}", args=[welcome.pk])).status_code == 403


def context_of(params, document=None):
    found = parsing.parse(document or {
        "format": 1, "object": "contact", "trigger": {"kind": "manual"},
        "steps": [{"id": "mail", "action": "send_email", "params": params}],
    })  # fmt: skip
    return StepContext(found, found.by_id["mail"])


def warned(boss, params, **document):
    made = make_workflow([])
    steps = [{"id": "mail", "action": "send_email", "params": params}]
    Revision.objects.create(workflow=made, number=2, definition={**made.live.definition, **document, "steps": steps})
    found = publishing.review(made, user=boss, now=NOW).problems
    return [problem.code for problem in found if problem.severity == "warning"]


def test_the_review_warns_of_mail_without_a_look_at_consent(welcome, settings, boss):
    assert warned(boss, {"email": "welcome"}) == ["no_consent"]
    assert warned(boss, {"email": "welcome", "subscribed": True}) == []
    subscribed = {"all": [{"subscription": "news", "operator": "is_subscribed"}]}
    trigger = {"kind": "filter", "criteria": {"any": [subscribed]}}
    assert warned(boss, {"email": "welcome"}, trigger=trigger) == []
    settings.PUBLIC_URL = "http://localhost:8000"
    assert warned(boss, {"email": "welcome", "subscribed": True}) == ["not_public"]


@pytest.mark.covers("PLH-01")
def test_a_step_without_an_email_is_a_placeholder(news):
    action, context = actions["send_email"], context_of({})
    assert action.describe({}, context) == "Choose an email"
    assert [(problem.path, problem.severity) for problem in action.problems({}, context)] == [("email", "error")]
    assert [problem.path for problem in action.problems({"email": "gone"}, context)] == ["email"]
