"""Emails to people who work here: to users, teams and whom properties name, plain or with a few tags."""

from __future__ import annotations

import pytest
from django.core import mail

from crm.models import Contact, Team, TeamMembership, User
from records.models import PropertyDefinition
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.definitions import checking, parsing
from workflows.engine.taking_steps import run_due
from workflows.models import StepExecution
from workflows.outbox.delivering import deliver
from workflows.registries import actions
from workflows.step_forms.params import StepContext
from workflows.texts import rich_text

pytestmark = pytest.mark.django_db


def internal(**params):
    return step("mail", "send_internal_email", **{"subject": "On {{ contact.first_name }}", "body": "Look", **params})


def sent(one, *contacts):
    enroll(make_workflow([one]), [contact.pk for contact in contacts])
    run_due(NOW)
    while deliver(NOW):
        pass
    return sorted(message.to[0] for message in mail.outbox)


@pytest.fixture
def people():
    names = ("amy", "ben", "cid", "dan", "eve")
    found = {name: User.objects.create(username=name, email=f"{name}@ours.example") for name in names}
    team = Team.objects.create(slug="north", name="North")
    TeamMembership.objects.create(team=team, user=found["ben"], main=True)
    TeamMembership.objects.create(team=team, user=found["cid"], main=False)
    PropertyDefinition.objects.create(object_type="contact", slug="coach", label="Coach", type="user")
    return found


@pytest.mark.covers("COM-09")
def test_it_goes_to_users_teams_and_the_people_in_properties_each_once(people):
    ann = Contact.objects.create(first_name="Ann", owner=people["ben"], custom={"coach": people["dan"].pk})
    eva = Contact.objects.create(first_name="Eva", custom={"coach": people["amy"].pk})
    one = internal(to=["owner", "amy"], teams=["north"], properties=["coach"])
    assert [to.partition("@")[0] for to in sent(one, ann, eva)] == ["amy", "amy", "ben", "ben", "dan"]
    assert {message.subject for message in mail.outbox} == {"On Ann", "On Eva"}


@pytest.mark.covers("COM-09")
def test_a_text_with_tags_comes_with_plain_text_beside_it_and_values_stay_text(people):
    ann = Contact.objects.create(first_name="<b>Ann</b>", city='"><script>x</script>')
    body = (
        '<h1>New</h1><p>It is <b>{{ contact.first_name }}</b>,\nsee <a href="https://x.example/?c={{ contact.city }}">'
        "her page</a>.</p><ul><li>One</li><li>Two &amp; three</li></ul><script>alert(1)</script>"
        '<img src="https://x.example/a.png" alt="A picture" onerror="x()"><a href="javascript:x()">no</a>'
    )
    assert sent(internal(to=["amy"], body=body), ann) == ["amy@ours.example"]
    [message] = mail.outbox
    [(page, kind)] = [(part.content, part.mimetype) for part in message.alternatives]
    assert kind == "text/html" and "<b>&lt;b&gt;Ann&lt;/b&gt;</b>" in page
    assert "script" not in page.replace("&lt;script", "").replace("%3Cscript", "").replace("&lt;/script", "")
    assert "onerror" not in page and "javascript" not in page
    lines = message.body.split("\n")
    assert lines[0] == "New" and lines[1].startswith("It is <b>Ann</b>, see her page (https://x.example/?c=")
    assert "- One" in lines and "- Two & three" in lines and "A picture" in message.body


def test_a_text_without_tags_stays_as_it_is(people):
    ann = Contact.objects.create(first_name="Ann")
    sent(internal(to=["amy"], body="1 < 2\n  and {{ contact.first_name }} > 0"), ann)
    assert mail.outbox[0].body == "1 < 2\n  and Ann > 0" and not mail.outbox[0].alternatives


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "Choose who gets it"),
        ({"teams": ["south"]}, "no team “south”. Use one of: north."),
        ({"properties": ["city"]}, "no property “city”"),
    ],
)
def test_who_cannot_get_it_is_told_before_publishing(people, params, words):
    document = {
        "format": 1, "name": "X", "object": "contact", "trigger": {"kind": "manual"}, "steps": [internal(**params)],
    }  # fmt: skip
    found = checking.errors(checking.problems(parsing.parse(document)))
    assert words in " ".join(str(problem.message) for problem in found)


def test_its_card_names_everybody_and_what_it_reads_is_known(people):
    one = internal(to=["amy"], teams=["north"], properties=["coach"])
    document = {"format": 1, "name": "X", "object": "contact", "trigger": {"kind": "manual"}, "steps": [one]}
    definition = parsing.parse(document)
    context = StepContext(definition, definition.by_id["mail"])
    action = actions["send_internal_email"]
    assert action.describe(one["params"], context) == "Email amy, North, Coach: “On {{ contact.first_name }}”"
    assert action.reads(one["params"], context) == {"contact.coach", "contact.first_name"}


def test_who_left_gets_nothing_and_the_history_says_so(people):
    User.objects.filter(username="dan").update(is_active=False)
    ann = Contact.objects.create(first_name="Ann", custom={"coach": people["dan"].pk})
    assert sent(internal(properties=["coach"]), ann) == []
    line = StepExecution.objects.get(step="mail")
    assert (line.outcome, line.detail["reason"]) == ("skipped", "no_recipients")


def test_plain_text_of_odd_html_is_text():
    assert rich_text.plain(rich_text.cleaned("<p>a<br>b</p><blockquote>c</blockquote><p>x")) == "a\nb\nc\nx"
    assert not rich_text.is_rich("a < b > c <abc> <pfx>") and rich_text.is_rich("<P>") and rich_text.is_rich("<br/>")
