"""Workflows send surveys: a mail with a link of one's own, to whom one may write."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connection, transaction

from crm.models import Contact, Deal, Subscription, Survey, SurveyInvitation, Ticket, User
from crm.surveys.inviting import Asking, invite
from records.associations import associate
from records.merging.performing import merge
from records.object_types import object_types
from tests.crm.emails.conftest import postbox as postbox
from tests.workflows.building import NOW, enroll, make_workflow, step
from tests.workflows.enrollment.test_leaving_races import meanwhile, wait_until_blocked
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.history.reasons import reason_sentence
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


@pytest.mark.django_db(transaction=True)
def test_two_workflows_that_ask_a_contact_at_once_ask_it_once_and_the_history_says_so(nps, ann):
    Survey.objects.update(repeat_days=30)
    bob = Contact.objects.create(email="bob@example.com")
    nps.refresh_from_db()

    def ask(name, *people):
        askings = [Asking(one, f"{name}:{one.pk}") for one in people]
        return invite(nps, askings, workflow_id=None, now=NOW)

    second = meanwhile(lambda: ask("first", ann), lambda: ask("second", bob, ann))
    assert (second.sent, second.lately) == ({f"second:{bob.pk}"}, {f"second:{ann.pk}"})
    assert sorted(SurveyInvitation.objects.values_list("contact", flat=True)) == [ann.pk, bob.pk]
    assert Delivery.objects.count() == 2
    [line] = run([ann.pk])
    assert str(reason_sentence(line.detail)) == (
        "The survey “After a ticket” had asked the contact already; it asks again after 30 days."
    )


@pytest.mark.django_db(transaction=True)
def test_who_was_not_asked_after_all_is_asked_by_the_other_workflow(nps, ann):
    Survey.objects.update(repeat_days=30)
    nps.refresh_from_db()

    class Broken(Exception):
        pass

    def ask(name):
        return invite(nps, [Asking(ann, name)], workflow_id=None, now=NOW)

    def fails():
        with ThreadPoolExecutor(1) as pool:
            with pytest.raises(Broken), transaction.atomic():
                ask("first")
                answer = pool.submit(elsewhere)
                wait_until_blocked()
                raise Broken
            return answer.result(30)

    def elsewhere():
        try:
            return ask("second")
        finally:
            connection.close()

    assert fails().sent == {"second"}
    assert SurveyInvitation.objects.count() == 1


def test_merging_keeps_when_either_was_asked(nps, ann):
    Survey.objects.update(repeat_days=30)
    bob = Contact.objects.create(email="bob@example.com")
    run([ann.pk, bob.pk])
    merge(object_types["contact"], bob.pk, ann.pk, now=NOW)
    assert run([bob.pk], now=NOW + dt.timedelta(days=29))[0].detail["reason"] == "asked_lately"
    assert run([bob.pk], now=NOW + dt.timedelta(days=31))[0].outcome == "success"


def test_a_survey_that_waits_goes_to_the_address_the_contact_has_when_it_leaves(nps, ann):
    run([ann.pk])
    Contact.objects.update(email="ann@new.example")
    assert deliver(NOW) == 1
    assert [message.to for message in mail.outbox] == [["ann@new.example"]]


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
