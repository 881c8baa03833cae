"""Workflows send surveys: a mail with a link of one's own, to whom one may write."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core import mail

from crm.models import Contact, Deal, Subscription, Survey, SurveyInvitation, Ticket, User
from records.associations import associate
from tests.crm.emails.conftest import postbox as postbox
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.models import Delivery, StepExecution
from workflows.outbox.delivering import deliver

pytestmark = pytest.mark.django_db
SEND = step("ask", "send_survey", survey="after")


def run(ids, document=SEND, object_type="contact", now=NOW):
    made = enroll(make_workflow([document], object_type), ids, now)
    run_due(now)
    lines = {line.enrollment_id: line for line in StepExecution.objects.filter(enrollment__in=made, step="ask")}
    return [lines[one.pk] for one in made]


@pytest.mark.covers("COM-11")
def test_a_contact_gets_a_link_of_its_own_that_takes_its_answer(nps, ann, client):
    [line] = run([ann.pk])
    assert (line.outcome, line.detail["contacts"]) == ("success", 1)
    assert deliver(NOW) == 1
    [message] = mail.outbox
    invitation = SurveyInvitation.objects.get()
    assert (message.to, message.subject) == (["ann@example.com"], "How was it, Ann?")
    assert message.body.startswith("Hello Ann, tell us.")
    assert f"https://crm.example.com/surveys/{invitation.token}/" in message.body
    headers = message.extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    unsubscribe = headers["List-Unsubscribe"].strip("<>").removeprefix("https://crm.example.com")
    assert client.post(unsubscribe, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Subscription.objects.get(contact=ann, type="care").status == "unsubscribed"
    assert client.post(f"/surveys/{invitation.token}/", {"score": "10"}).status_code == 303


@pytest.mark.covers("COM-11")
def test_who_may_get_no_mail_is_not_asked_and_the_history_says_why(nps, ann):
    nobody = Contact.objects.create(first_name="Bo")
    gone = Contact.objects.create(email="cy@example.com")
    Subscription.objects.create(contact=gone, type=nps.type, status="unsubscribed", changed_at=NOW)
    lines = run([ann.pk, nobody.pk, gone.pk])
    assert [line.detail.get("reason") for line in lines] == [None, "email_no_address", "email_opted_out"]
    assert SurveyInvitation.objects.get().contact == ann
    nps.type.purpose = "marketing"
    nps.type.save()
    [line] = run([ann.pk])
    assert line.detail["reason"] == "email_not_marketing"


@pytest.mark.covers("COM-11")
def test_the_mail_has_html_beside_its_text_and_leaves_also_from_an_international_domain(nps, postbox, settings):
    settings.DEFAULT_FROM_EMAIL = "Åsas butik <hej@blåbär.example>"
    ann = Contact.objects.create(email="ann@example.com", first_name="<b>Ann</b>")
    run([ann.pk])
    assert deliver(NOW) == 1
    [(to, message)] = postbox.taken
    assert to == ["ann@example.com"]
    assert message["From"].addresses[0].display_name == "Åsas butik"
    assert message["From"].addresses[0].domain == "xn--blbr-noae.example"
    assert message["Message-ID"].endswith("@xn--blbr-noae.example>")
    link = f"https://crm.example.com/surveys/{SurveyInvitation.objects.get().token}/"
    plain, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Hello <b>Ann</b>, tell us." in plain and link in plain
    assert "Hello &lt;b&gt;Ann&lt;/b&gt;, tell us." in html and f'href="{link}"' in html
    assert message.get_content_type() == "multipart/alternative"


def test_who_unsubscribes_while_the_mail_waits_gets_none(nps, ann):
    run([ann.pk])
    Subscription.objects.create(contact=ann, type=nps.type, status="unsubscribed", changed_at=NOW)
    deliver(NOW)
    assert mail.outbox == [] and Delivery.objects.get().state == "skipped"


@pytest.mark.covers("COM-11", "ACG-05")
def test_associated_contacts_of_a_ticket_are_asked_about_the_ticket(nps, ann):
    ticket = Ticket.objects.create(subject="Broken")
    other = Contact.objects.create(first_name="No address")
    associate("ticket", "contact", [(ticket.pk, ann.pk), (ticket.pk, other.pk)])
    [line] = run([ticket.pk], step("ask", "send_survey", of="contact", survey="after"), "ticket")
    assert (line.detail["contacts"], line.detail["left_out"]) == (1, 1)
    assert SurveyInvitation.objects.values_list("contact", "ticket_id").get() == (ann.pk, ticket.pk)


def test_a_contact_is_asked_again_only_after_the_days_the_survey_waits(nps, ann):
    Survey.objects.update(repeat_days=30)
    deals = [Deal.objects.create(name=name).pk for name in "ab"]
    associate("deal", "contact", [(pk, ann.pk) for pk in deals])
    of_deals = step("ask", "send_survey", of="contact", survey="after")
    assert sorted(line.detail.get("reason", "") for line in run(deals, of_deals, "deal")) == ["", "asked_lately"]
    for passed, reason in ((29, "asked_lately"), (31, None)):
        [line] = run([ann.pk], now=NOW + dt.timedelta(days=passed))
        assert line.detail.get("reason") == reason


def test_a_survey_that_is_closed_when_the_step_runs_asks_nobody(nps, ann):
    Survey.objects.update(active=False)
    assert run([ann.pk])[0].detail["reason"] == "survey_closed"


@pytest.mark.covers("COM-11")
def test_only_surveys_that_workflows_send_can_be_chosen_by_who_may_change_them(nps):
    def problems(user=None, **params):
        steps = [step("ask", "send_survey", **params)]
        document = {"format": 1, "name": "W", "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
        return {one.path: str(one.message) for one in checking.problems(parse(document), user=user)}

    place = "steps.0.params.survey"
    assert problems(survey="after") == {}
    assert "There is no survey" in problems(survey="nowhere")[place]
    Survey.objects.create(name="Shared", slug="shared", delivery="link")
    assert "shared by a link" in problems(survey="shared")[place]
    assert place in problems()
    assert "may not change" in problems(User.objects.create_user("guest"), survey="after")[place]
