"""Marketing emails leave as they were written, to whom they may, and what becomes of them is told."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.emails import checking, cleaning, keeping, rendering
from crm.emails.mailboxes import mailbox
from crm.models import (
    BouncedAddress,
    Company,
    Contact,
    Deal,
    EmailTemplate,
    MarketingEmail,
    Subscription,
    SubscriptionType,
    Ticket,
)
from crm.subscribing import Wish, set_status
from crm.tracking.mailing import hits_of
from crm.tracking.recording import record_hits
from records.associations import associate
from records.clock import database_now
from records.models import Event, PropertyDefinition
from tests.crm.emails.conftest import contact
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.history.telling import path_of
from workflows.models import Delivery, StepExecution
from workflows.outbox.delivering import deliver
from workflows.outbox.mailing import message_id

pytestmark = pytest.mark.django_db
SEND = {"id": "mail", "action": "send_email", "params": {"email": "welcome"}}


def run(steps, ids, object_type="contact"):
    made = enroll(make_workflow(steps, object_type), ids)
    run_due(NOW)
    return made


def told(enrollment):
    return [str(line.sentence) for line in path_of(enrollment) if line.step == "mail"]


def said(who, status, subscription):
    set_status([who.pk], Wish(subscription, status, "consent"), source=Subscription.Source.ADMIN, now=NOW)


@pytest.mark.covers("COM-03")
def test_an_email_reaches_a_mail_server_with_html_plain_text_and_its_way_out(postbox, welcome):
    ann = contact("Ann", city='Oslo <b>"&')
    [enrollment] = run([SEND], [ann.pk])
    assert deliver(NOW) == 1
    message = postbox.to("ann@example.com")
    assert (message["From"], message["Reply-To"]) == ("Åsa’s bakery <shop@example.com>", "answers@example.com")
    assert message["Subject"] == "Good news, Ann"
    assert message["Message-ID"] == message_id(Delivery.objects.get())
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.get_content_type() == "multipart/alternative"
    plain, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    assert "Hello Ann" in plain and 'Bread & butter from Oslo <b>"&.' in plain and "\n- One\n- Two\n" in plain
    assert "https://www.example.com/offer?city=Oslo%20%3Cb%3E%22%26" in plain and "<" not in plain.replace("<b>", "")
    assert "<h1 style=" in html and "Hello Ann</h1>" in html and "Oslo &lt;b&gt;&quot;&amp;</strong>" in html
    assert "For Oslo &lt;b&gt;" in html and "Bakery, 1 Mill Lane" in html and "<script" not in html
    assert told(enrollment) == ["Email “Welcome” to the contact"]


@pytest.mark.covers("COM-03", "COM-05")
def test_one_click_of_the_mail_program_keeps_the_next_email_away(client, postbox, welcome):
    ann = contact("Ann")
    run([SEND], [ann.pk])
    deliver(NOW)
    address = postbox.to("ann@example.com")["List-Unsubscribe"].strip(" <>")
    assert address.startswith("https://crm.example.com/preferences/")
    answer = client.post(urlsplit(address).path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    [again] = run([SEND], [ann.pk])
    assert deliver(NOW) == 0 and len(postbox.taken) == 1
    assert told(again) == ["The contact has unsubscribed from “News”, so no email was sent."]
    assert StepExecution.objects.get(enrollment=again, step="mail").outcome == "skipped"


@pytest.mark.covers("COM-03")
def test_opens_and_clicks_are_counted_where_they_are_switched_on_and_nowhere_else(client, postbox, welcome):
    ann, ben = contact("Ann", city="Oslo"), contact("Ben", city="Rome")
    run([SEND], [ann.pk])
    welcome.track_opens = welcome.track_clicks = False
    welcome.save()
    run([SEND], [ben.pk])
    deliver(NOW)
    record_hits(NOW)
    html = postbox.to("ann@example.com").get_body(("html",)).get_content()
    links = [part.split('"')[0] for part in html.split('href="')[1:]] + [html.split('<img src="')[1].split('"')[0]]
    assert [link.split("/")[3] for link in links] == ["t", "preferences", "t"]
    answer = client.get(urlsplit(links[0]).path)
    assert answer["Location"] == "https://www.example.com/offer?city=Oslo"
    assert client.get(urlsplit(links[2]).path)["Content-Type"] == "image/gif"
    untold = postbox.to("ben@example.com").get_body(("html",)).get_content()
    assert 'href="https://www.example.com/offer?city=Rome"' in untold and "<img" not in untold
    record_hits(database_now())
    events = Event.objects.filter(record_id=ann.pk, event__startswith="email_").order_by("event")
    assert [(one.event, one.properties["email"]) for one in events] == [
        ("email_clicked", "Welcome"), ("email_opened", "Welcome"), ("email_sent", "Welcome"),
    ]  # fmt: skip
    assert MarketingEmail.objects.get().name == "Welcome"


@pytest.mark.covers("COM-05")
def test_whom_it_must_not_reach_is_left_out_and_the_history_says_why(postbox, welcome, news):
    people = {
        "gone": contact("Gone"), "bounced": contact("Bounced"), "blank": contact("Blank", email=None),
        "cold": contact("Cold", marketing_status="non_marketing"), "fine": contact("Fine"),
    }  # fmt: skip
    said(people["gone"], "unsubscribed", news)
    BouncedAddress.objects.create(address="bounced@example.com", bounced_at=NOW)
    made = run([SEND], [one.pk for one in people.values()])
    assert deliver(NOW) == 1 and [to for to, _message in postbox.taken] == [["fine@example.com"]]
    sentences = dict(zip(people, (told(one)[0] for one in made), strict=True))
    assert sentences == {
        "gone": "The contact has unsubscribed from “News”, so no email was sent.",
        "bounced": "Emails to the contact’s address come back, so none was sent.",
        "cold": "The contact is not a marketing contact, so no email was sent.",
        "blank": "The contact has no email address.",
        "fine": "Email “Welcome” to the contact",
    }


@pytest.mark.covers("COM-05")
def test_only_subscribers_means_that_saying_nothing_is_not_enough(postbox, welcome, news):
    ann, ben = contact("Ann"), contact("Ben")
    said(ann, "subscribed", news)
    _yes, no = run([step("mail", "send_email", email="welcome", subscribed=True)], [ann.pk, ben.pk])
    deliver(NOW)
    assert [to for to, _message in postbox.taken] == [["ann@example.com"]]
    assert told(no) == ["The contact has not subscribed to “News”, so no email was sent."]


@pytest.mark.covers("COM-03", "ACG-05")
def test_a_deals_email_goes_to_the_associated_contacts_that_may_get_it(postbox, welcome, news):
    deal, lonely = Deal.objects.create(name="Big"), Deal.objects.create(name="Small")
    ann, ben, cid = contact("Ann"), contact("Ben"), contact("Cid")
    said(cid, "unsubscribed", news)
    associate("deal", "contact", [(deal.pk, ann.pk), (deal.pk, cid.pk)], "")
    associate("deal", "contact", [(deal.pk, ben.pk)], "billing")
    one, other = run([step("mail", "send_email", email="welcome", of="contact")], [deal.pk, lonely.pk], "deal")
    assert deliver(NOW) == 2
    assert sorted(to for [to], _message in postbox.taken) == ["ann@example.com", "ben@example.com"]
    assert told(one) == ["Email “Welcome” to 2 associated contacts – 1 has unsubscribed"]
    assert told(other) == ["The record has no associated contacts."]
    assert sorted(Delivery.objects.values_list("key", flat=True)) == sorted(
        f"{one.pk}:mail:0:{pk}" for pk in (ann.pk, ben.pk)
    )


@pytest.mark.covers("COM-04")
def test_customer_service_answers_about_tickets_also_who_is_no_marketing_contact(postbox, welcome):
    service = SubscriptionType.objects.create(slug="service", name="Service", purpose="service")
    welcome.type = service
    welcome.save()
    ann = contact("Ann", marketing_status="non_marketing")
    ticket, deal = Ticket.objects.create(subject="Help"), Deal.objects.create(name="Big")
    associate("ticket", "contact", [(ticket.pk, ann.pk)], "")
    associate("deal", "contact", [(deal.pk, ann.pk)], "")
    steps = [step("mail", "send_email", email="welcome", of="contact")]
    run(steps, [deal.pk], "deal")
    assert deliver(NOW) == 0
    run(steps, [ticket.pk], "ticket")
    assert deliver(NOW) == 1 and postbox.to("ann@example.com")
    said(ann, "unsubscribed", service)
    run(steps, [ticket.pk], "ticket")
    assert deliver(NOW) == 0


def test_who_unsubscribes_while_an_email_waits_does_not_get_it(postbox, welcome, news):
    ann = contact("Ann")
    run([SEND], [ann.pk])
    said(ann, "unsubscribed", news)
    assert deliver(NOW) == 1 and postbox.taken == []
    delivery = Delivery.objects.get()
    assert delivery.state == "skipped" and "has unsubscribed from “News”" in delivery.last_error
    assert record_hits(NOW) == 0


def test_an_address_the_mail_server_does_not_know_is_written_to_no_more(postbox, welcome):
    ann = contact("Ann")
    postbox.refuses.add("ann@example.com")
    run([SEND], [ann.pk])
    deliver(NOW)
    record_hits(NOW)
    assert Event.objects.get(event="email_bounced").properties["bounce"] == "hard"
    assert not Event.objects.filter(event="email_sent").exists()
    assert BouncedAddress.objects.get().address == "ann@example.com"
    [again] = run([SEND], [ann.pk])
    assert told(again) == ["Emails to the contact’s address come back, so none was sent."]
    BouncedAddress.objects.all().delete()
    postbox.refuses.clear()
    run([SEND], [ann.pk])
    deliver(NOW)
    assert postbox.to("ann@example.com")


def test_what_a_mail_service_tells_of_an_email_belongs_to_its_sending(postbox, welcome):
    from anymail.signals import AnymailTrackingEvent

    ann = contact("Ann")
    run([SEND], [ann.pk])
    deliver(NOW)
    record_hits(NOW)
    metadata = Delivery.objects.get().request["metadata"]
    event = AnymailTrackingEvent(
        event_type="delivered", timestamp=timezone.now(), event_id="e1", recipient="Ann@Example.com",
        message_id="the-services-own", metadata=metadata, tags=[],
    )  # fmt: skip
    for hit in hits_of(event, "SomeService", database_now()):
        hit.save()
    record_hits(database_now())
    found = Event.objects.filter(record_id=ann.pk).order_by("event").values_list("event", flat=True)
    assert list(found) == ["email_delivered", "email_sent"]


@pytest.mark.covers("COM-10")
def test_a_copy_goes_to_given_addresses_and_to_the_one_in_a_property_and_counts_nothing(postbox, welcome, news):
    ann, sad = contact("Ann", city="Oslo"), contact("Sad")
    said(sad, "unsubscribed", news)
    steps = [step(
        "mail", "send_internal_marketing_email", email="welcome", addresses="boss@example.com, sad@example.com",
        property="email",
    )]  # fmt: skip
    [enrollment] = run(steps, [ann.pk])
    deliver(NOW)
    assert sorted(to for [to], _message in postbox.taken) == ["ann@example.com", "boss@example.com"]
    message = postbox.to("boss@example.com")
    assert message["Subject"] == "Good news, Ann" and message["List-Unsubscribe"] is None
    html = message.get_body(("html",)).get_content()
    assert "https://crm.example.com" not in html and "This is a copy" in html
    assert record_hits(NOW) == 0
    assert told(enrollment) == ["Copies of the email “Welcome” to ann@example.com, boss@example.com"]


@pytest.mark.covers("COM-03")
def test_an_email_that_waits_goes_to_the_address_the_contact_has_when_it_leaves(postbox, welcome):
    ann = contact("Ann")
    steps = [SEND, step("copy", "send_internal_marketing_email", email="welcome", property="email")]
    run(steps, [ann.pk])
    Contact.objects.update(email="ann@new.example")
    postbox.refuses.add("ann@new.example")
    while deliver(NOW):
        pass
    assert [to for to, _message in postbox.taken] == [["ann@example.com"]], "the copy was written for that address"
    mail = Delivery.objects.get(request__contact=ann.pk, state="dead")
    assert mail.request["to"] == "ann@new.example", "it is seen where it went"
    record_hits(database_now())
    assert list(BouncedAddress.objects.values_list("address", flat=True)) == ["ann@new.example"]


@pytest.mark.parametrize(("change", "told"), [({"email": None}, "no email address"), ({}, "")])
def test_an_email_whose_contact_has_no_address_any_more_does_not_leave(postbox, welcome, change, told):
    ann = contact("Ann")
    run([SEND], [ann.pk])
    Contact.objects.filter(pk=ann.pk).update(first_name="Anna", **change)
    deliver(NOW)
    assert (len(postbox.taken), told in Delivery.objects.get().last_error) == (0 if change else 1, True)


def test_a_test_in_the_editor_sends_nothing(welcome, django_user_model):
    from workflows.simulation.simulating import simulate

    ann = contact("Ann")
    boss = django_user_model.objects.create_superuser("boss", "boss@example.com", "x")
    found = simulate(make_workflow([SEND]).live, ann.pk, user=boss, now=NOW)
    assert [(one.to, one.subject) for one in found.messages] == [("ann@example.com", "Good news, Ann")]
    assert not Delivery.objects.exists() and Contact.objects.count() == 1


def test_an_address_written_twice_gets_one_copy(postbox, welcome):
    ann = contact("Ann")
    written = "Boss@example.com, boss@example.com\nBOSS@example.com"
    [enrollment] = run([step("mail", "send_internal_marketing_email", email="welcome", addresses=written)], [ann.pk])
    deliver(NOW)
    assert [to for to, _message in postbox.taken] == [["Boss@example.com"]]
    assert told(enrollment) == ["Copy of the email “Welcome” to Boss@example.com"]


def test_who_unsubscribes_while_a_copy_waits_does_not_get_it(postbox, welcome, news):
    ann, sad = contact("Ann"), contact("Sad")
    run([step("mail", "send_internal_marketing_email", email="welcome", addresses="sad@example.com")], [ann.pk])
    said(sad, "unsubscribed", news)
    deliver(NOW)
    found = Delivery.objects.get()
    assert postbox.taken == [] and found.state == "skipped" and "has unsubscribed from “News”" in found.last_error


def test_one_contact_whose_text_would_be_too_long_keeps_no_email_from_the_others(postbox, welcome):
    people = [contact(name, city="Oslo") for name in ("Ann", "Ben", "Cat")]
    Contact.objects.filter(pk=people[1].pk).update(custom={"story": "x" * 60_000})
    PropertyDefinition.objects.create(object_type="contact", slug="story", label="Story", type="multi_line")
    welcome.body = "<p>" + "{{ contact.story | default: 'none' }}" * 30 + "</p>"
    welcome.save()
    made = run([SEND], [one.pk for one in people])
    while deliver(NOW):
        pass
    assert sorted(to for [to], _message in postbox.taken) == ["ann@example.com", "cat@example.com"]
    assert [told(one) for one in made[::2]] == [["Email “Welcome” to the contact"]] * 2
    assert "more than 1048576 characters" in told(made[1])[-1]


@pytest.mark.parametrize("name", ["Eve\r\nBcc: all@example.com", "Eve\x00\x0b", "Eve\u2028Field"])
def test_a_name_with_line_breaks_is_written_on_one_line(name):
    written = mailbox(name, "eve@example.com")
    assert "\n" not in written and "\r" not in written and "\x00" not in written and "\u2028" not in written
    assert written.endswith("<eve@example.com>") and "Eve" in written


@pytest.mark.covers("DAT-03", "DAT-21")
def test_an_email_speaks_of_the_contacts_company_and_of_the_deal_that_is_enrolled(postbox, welcome):
    welcome.subject = "{{ deal.name }} for {{ company.name | default: 'you' }}"
    welcome.body = '<p>{{ company.city }}</p><p><a href="https://x.example/?c={{ company.name }}">Go</a></p>'
    welcome.save()
    ann, ben = contact("Ann"), contact("Ben")
    acme, other = Company.objects.create(name="Acme & Co", city="<Oslo>"), Company.objects.create(name="Other")
    associate("contact", "company", [(ann.pk, acme.pk), (ann.pk, other.pk)])
    associate("contact", "company", [(ann.pk, acme.pk)], "primary")
    first, second = Deal.objects.create(name="One", amount=1), Deal.objects.create(name="Two", amount=2)
    associate("deal", "contact", [(first.pk, ann.pk), (first.pk, ben.pk), (second.pk, ann.pk)])
    run([{**SEND, "params": {"email": "welcome", "of": "contact"}}], [first.pk, second.pk], "deal")
    while deliver(NOW):
        pass
    found = sorted((to, message["Subject"]) for [to], message in postbox.taken)
    assert found == [
        ("ann@example.com", "One for Acme & Co"), ("ann@example.com", "Two for Acme & Co"),
        ("ben@example.com", "One for you"),
    ]  # fmt: skip
    message = next(message for [to], message in postbox.taken if to == "ann@example.com")
    plain, html = (part.get_content() for part in message.iter_parts())
    assert "&lt;Oslo&gt;" in html and "<Oslo>" in plain and "c=Acme%20%26%20Co" in plain


@pytest.mark.covers("DAT-03", "COM-10")
def test_a_copy_of_a_contacts_email_speaks_of_its_newest_deal(postbox, welcome):
    welcome.subject = "{{ deal.name }} of {{ contact.first_name }}"
    welcome.save()
    ann = contact("Ann")
    old, new = Deal.objects.create(name="Old", amount=1), Deal.objects.create(name="New", amount=2)
    associate("contact", "deal", [(ann.pk, old.pk), (ann.pk, new.pk)])
    Deal.objects.filter(pk=old.pk).update(updated_at=NOW - dt.timedelta(days=9))
    run([step("mail", "send_internal_marketing_email", email="welcome", addresses="boss@example.com")], [ann.pk])
    deliver(NOW)
    assert postbox.to("boss@example.com")["Subject"] == "New of Ann"


def test_sending_what_speaks_of_companies_takes_as_many_statements_for_many_as_for_one(welcome):
    welcome.subject, welcome.body = "{{ company.name }}", "<p>{{ deal.name }} {{ company.city }}</p>"
    welcome.save()
    people = [contact(f"C{n}") for n in range(30)]
    firms = [Company.objects.create(name=f"Firm {n}") for n in range(30)]
    associate("contact", "company", [(one.pk, firm.pk) for one, firm in zip(people, firms, strict=True)])
    counts = []
    rendering.render(welcome, people[:1], NOW)
    for some in (people[:1], people[1:]):
        with CaptureQueriesContext(connection) as captured:
            rendering.render(welcome, some, NOW)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_what_an_email_speaks_of_is_checked_by_name_and_right(welcome, django_user_model):
    assert checking.reads(EmailTemplate(subject="{{ company.name }} {{ owner.name }}")) >= {"company.name"}
    faults = [str(one.message) for one in cleaning.token_problems("{{ company.nix }} {{ boat.name }}")]
    assert len(faults) == 2 and "company.name" in faults[0]
    form = keeping.EmailTemplateForm(
        {**{name: getattr(welcome, name) for name in keeping.FIELDS}, "subject": "{{ company.name }}", "type": "news"},
        instance=welcome,
    )  # fmt: skip
    form.user = django_user_model.objects.create(username="nobody")
    assert not form.is_valid() and "speaks of companies, which you may not see" in str(form.errors)
