"""Pages by which people are reached, and what workflows ask of others: nothing axe or the CSP finds.

Emails, sequences, surveys, audiences, connections and providers, and the panels of the steps that use them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import expect

from crm.models import (
    Audience,
    AudienceMember,
    Contact,
    EmailTemplate,
    Sequence,
    SubscriptionType,
    Survey,
    SurveyInvitation,
    User,
)
from crm.sequences.enrolling import Sending, enroll
from records.clock import database_now
from tests.workflows.ai import speaking
from tests.workflows.building import step
from workflows import drafting
from workflows.models import AIDraft, Connection, Workflow
from workflows.outside import connecting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BODY = '<h1>Hello {{ contact.first_name }}</h1><p>Look <a href="https://example.com/">here</a>.</p>'
ORIGIN = "https://api.example.com"
#: Panels of the editor: the steps of one workflow, by their ids.
STEPS = (
    step("email", "send_email", email="welcome"),
    step("copy", "send_internal_marketing_email", email="welcome", addresses="boss@example.com"),
    step("survey", "send_survey", survey="nps"),
    step("sequence", "enroll_in_sequence", sequence="hello", sender="user", user="ann"),
    step("sms", "send_sms", connection="sms", sender="+15550001111", message="Hi {{ contact.city }}", type="texts"),
    step(
        "whatsapp", "send_whatsapp", connection="sms", sender="106540352242922", template="hello", language="en",
        parameters="{{ contact.first_name }}", type="chats",
    ),
    step("audience", "add_to_audience", audience="visitors"),
    step("webhook", "send_webhook", method="POST", url="/x", connection="sms", properties=["email"], wait=True),
    step("ask", "ask_ai", prompt="Who?", outputs=[{"name": "mood", "type": "select", "options": ["glad", "angry"]}]),
    step("enrich", "enrich_record", properties=["city"], known=["email"]),
    step("sum", "summarise_record", length="sentence", focus="Money"),
    step("empty", "send_sms"),
)  # fmt: skip


class Outreach:
    """What the pages show: an email, a sequence with somebody in it, a survey with an answer, and so on."""

    def __init__(self) -> None:
        cache.clear()
        now = database_now()
        self.ann = User.objects.create_superuser("ann", "ann@example.com", "pw", first_name="Ann", last_name="Berg")
        self.bo = Contact.objects.create(email="bo@example.com", first_name="Bo", marketing_status="marketing")
        news = SubscriptionType.objects.create(slug="newsletter", name="The newsletter")
        for slug, channel in (("texts", "sms"), ("chats", "whatsapp")):
            SubscriptionType.objects.create(slug=slug, name=f"By {channel}", channel=channel)
        self.email = EmailTemplate.objects.create(
            slug="welcome", name="Welcome", subject="Hi {{ contact.first_name }}", body=BODY, type=news
        )
        self.sequence = Sequence.objects.create(slug="hello", name="Hello", subscription=news)
        self.sequence.steps.create(position=0, kind="email", subject="Hello", body="I am {{ sender.first_name }}.")
        self.sequence.steps.create(position=1, kind="task", days=1, subject="Call", task_kind="call")
        enroll(self.sequence, {self.bo.pk: Sending(self.ann, "")}, now=now)
        self.survey = Survey.objects.create(slug="nps", name="After a ticket", type=news, subject="How?", message="Hi")
        self.survey.questions.create(kind="choice", text="What for?", options=["Price", "Service"], position=1)
        self.survey.questions.create(kind="text", text="Why?", position=2)
        self.asked = SurveyInvitation.objects.create(survey=self.survey, contact=self.bo, sent_at=now)
        self.audience = Audience.objects.create(slug="visitors", name="Visitors")
        AudienceMember.objects.create(audience=self.audience, contact_id=self.bo.pk, email="x" * 64, added_at=now)
        facts = {"name": "SMS", "origin": ORIGIN, "auth": "basic", "auth_name": "AC1", "secret": "word"}
        self.connection = connecting.create(facts, by=self.ann, now=now)
        self.provider = speaking.provider(ORIGIN, self.ann)
        self.wish = AIDraft.objects.create(wish="When …, then …", object_type="contact", created_by=self.ann)
        document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": list(STEPS)}
        self.workflow: Workflow = drafting.create("Reaching out", "contact", self.ann, document)


def change(model: str, name: str) -> Callable[[Outreach], str]:
    return lambda world: reverse(f"admin:{model}_change", args=[getattr(world, name).pk])


def panel(one: str) -> Callable[[Outreach], str]:
    return lambda world: reverse("admin:workflow_editor", args=[world.workflow.pk]) + f"?step={one}"


#: Not the preview of an email: its frame is sandboxed, so what the tests run in every frame cannot run there.
SCREENS: dict[str, Callable[[Outreach], str]] = {
    "emails": lambda world: "/admin/crm/emailtemplate/",
    "add an email": lambda world: "/admin/crm/emailtemplate/add/",
    "an email": change("crm_emailtemplate", "email"),
    "sequences": lambda world: "/admin/crm/sequence/",
    "add a sequence": lambda world: "/admin/crm/sequence/add/",
    "a sequence": change("crm_sequence", "sequence"),
    "who is in sequences": lambda world: "/admin/crm/sequenceenrollment/",
    "surveys": lambda world: "/admin/crm/survey/",
    "add a survey": lambda world: "/admin/crm/survey/add/",
    "a survey": change("crm_survey", "survey"),
    "results of a survey": lambda world: reverse("admin:crm_survey_results", args=[world.survey.pk]),
    "a public survey": lambda world: f"/surveys/{world.asked.token}/",
    "audiences": lambda world: "/admin/crm/audience/",
    "add an audience": lambda world: "/admin/crm/audience/add/",
    "an audience": change("crm_audience", "audience"),
    "connections": lambda world: "/admin/workflows/connection/",
    "add a connection": lambda world: "/admin/workflows/connection/add/",
    "a connection": change("workflows_connection", "connection"),
    "AI providers": lambda world: "/admin/workflows/aiprovider/",
    "add an AI provider": lambda world: "/admin/workflows/aiprovider/add/",
    "an AI provider": change("workflows_aiprovider", "provider"),
    "a wish": lambda world: reverse("admin:ai_draft_add"),
    "a wish that waits": lambda world: reverse("admin:ai_draft", args=[world.wish.pk]),
    **{f"panel {one['id']}": panel(one["id"]) for one in STEPS},
}
#: Why axe is not asked for this on the canvas stands in test_screens.py.
ON_THE_CANVAS = ("label-content-name-mismatch",)


def test_every_page_by_which_people_are_reached_is_accessible_and_keeps_the_policy(open_screen: Any) -> None:
    world = Outreach()
    assert Connection.objects.count() == 2
    screen = open_screen(world.ann)
    found = {}
    for name, path in SCREENS.items():
        screen.complaints.clear()
        page = screen.open(path(world))
        if in_editor := name.startswith("panel "):
            expect(page.locator("#flow")).to_have_attribute("data-ready", "")
            expect(page.locator("#flow-panel")).to_be_visible()
        screen.screenshot(name)
        sideways = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        found[name] = [*screen.problems(), *screen.axe(ON_THE_CANVAS if in_editor else ())]
        found[name] += ["it scrolls sideways"] if sideways else []
    assert {name: lines for name, lines in found.items() if lines} == {}
