"""Demo data: emails and conversations about deals and tickets, notes, invoices, leads, projects; a few submissions of
the form, a list, a campaign."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

from crm.demo_activities import link
from crm.forms.answering import AnswerForm
from crm.forms.submitting import submit
from crm.models import (
    CallToAction,
    Campaign,
    Contact,
    Conversation,
    Deal,
    Email,
    EmailTemplate,
    Form,
    Invoice,
    Lead,
    Message,
    Note,
    Project,
    SubscriptionType,
    Ticket,
    User,
)
from records.associations import associate, ids_of
from records.lists import keeping
from records.object_types import object_types

LETTERS = (
    ("Your offer", "Thank you for your time yesterday. The offer is attached; it holds for 30 days."),
    ("Dates for the demonstration", "Would Tuesday at ten suit you, or rather Thursday afternoon?"),
    ("Questions about the contract", "Our lawyers ask about the period of notice. Can we talk about it this week?"),
)
WELCOME = (
    '<h1>Hello {{ contact.first_name | default: "there" }}</h1><p>Good to have you with us. Once a month we tell you '
    "<strong>what is new</strong>, and nothing else:</p><ul><li>one thing to try out</li><li>one thing others have "
    'done with it</li></ul><p><a class="button" href="https://www.example.com/demo">See it at work</a></p>'
)
REPLIES = ("Thank you for writing. We are looking into it.", "This should work again now. Does it for you?")
REMARKS = ("Decides in the next budget round.", "Knows us from a fair.", "Wants to begin with one team.")
LEADS = (("Asked for prices", "website"), ("Met at a fair", "fair"), ("Recommended by a customer", "recommendation"))
LEAD_STAGES = ("new", "new", "attempting", "connected", "qualified", "disqualified")
WORK = ("Introduction", "Move of the data", "Training")
SUBMISSIONS = 8


def make_work(
    contacts: Sequence[Contact], deals: Sequence[Deal], tickets: Sequence[Ticket], seed: int, now: dt.datetime
) -> int:
    """All of it but the submissions; how many records. The dice are its own: what else is made stays as it is."""
    dice = random.Random(seed)
    won = [deal for deal in deals if deal.stage == "won"]
    made = make_emails(dice, deals[2::9], now) + make_conversations(dice, tickets[::5], now)
    made += make_notes(deals[4::12], now) + make_invoices(won[:25], now) + make_leads(dice, contacts[::8], now)
    return made + make_projects(dice, won[::6], now)


def make_emails(dice: random.Random, deals: Sequence[Deal], now: dt.datetime) -> int:
    with_whom = first_contacts(deals)
    people = Contact.objects.in_bulk(with_whom.values())
    owners = User.objects.in_bulk({deal.owner_id for deal in deals})
    written, about = [], []
    for i, deal in enumerate(deals):
        person, owner = people[with_whom[deal.pk]], owners[deal.owner_id]
        subject, body = LETTERS[i % len(LETTERS)]
        sent_at = now - dt.timedelta(days=3 * i + 1, minutes=dice.randrange(600))
        opened_at = sent_at + dt.timedelta(minutes=dice.randrange(5, 600)) if i % 4 else None
        ours, theirs = i % 3 != 2, person.email or ""
        written.append(
            Email(
                subject=subject, body=body, owner=owner, sent_at=sent_at, opened_at=opened_at if ours else None,
                direction="outgoing" if ours else "incoming", status="bounced" if i % 11 == 4 else "sent",
                sender=owner.email if ours else theirs, recipients=theirs if ours else owner.email,
            )
        )  # fmt: skip
        about.append(deal)
    made = Email.objects.bulk_create(written)
    link(made, about)
    return len(made)


def first_contacts(deals: Sequence[Deal]) -> dict[int, int]:
    """By deal the contact it is with."""
    found = ids_of(object_types["deal"], [deal.pk for deal in deals], "contact")
    return {deal: contacts[0] for deal, contacts in found.items()}


def make_conversations(dice: random.Random, tickets: Sequence[Ticket], now: dt.datetime) -> int:
    """What the tickets began with, and most of the answers; the database works out the rest from the messages."""
    made = Conversation.objects.bulk_create(
        Conversation(
            subject=ticket.subject, channel=("email", "chat", "form")[i % 3], owner_id=ticket.owner_id,
            status="closed" if ticket.status == "closed" else "open", created_at=now - dt.timedelta(days=i + 1),
        )
        for i, ticket in enumerate(tickets)
    )  # fmt: skip
    messages = []
    for i, (conversation, ticket) in enumerate(zip(made, tickets, strict=True)):
        asked_at = conversation.created_at
        messages.append(Message(conversation=conversation, direction="received", body=ticket.description, at=asked_at))
        if i % 4 != 3:
            at = asked_at + dt.timedelta(minutes=dice.randrange(4, 300))
            body = REPLIES[i % len(REPLIES)]
            messages.append(
                Message(conversation=conversation, direction="sent", body=body, at=at, author_id=ticket.owner_id)
            )
    Message.objects.bulk_create(messages)
    link(made, tickets)
    return len(made)


def make_notes(deals: Sequence[Deal], now: dt.datetime) -> int:
    made = Note.objects.bulk_create(
        Note(body=f"<p>{REMARKS[i % len(REMARKS)]}</p>", owner_id=deal.owner_id, created_at=now - dt.timedelta(days=i))
        for i, deal in enumerate(deals)
    )
    link(made, deals)
    return len(made)


def make_invoices(deals: Sequence[Deal], now: dt.datetime) -> int:
    """One for each deal won: most are paid, the last ones open or still drafts."""
    written = []
    for i, deal in enumerate(deals):
        issued_on = (now - dt.timedelta(days=6 * i)).date()
        status = "draft" if i == 0 else "open" if i < 6 else "partly_paid" if i % 7 == 0 else "paid"
        amount = deal.amount or 0
        left = 0 if status == "paid" else amount / 2 if status == "partly_paid" else amount
        written.append(
            Invoice(
                number=f"R-{2_001 + i}", status=status, amount=amount, balance=left, currency="EUR",
                issued_on=None if status == "draft" else issued_on, due_on=issued_on + dt.timedelta(days=30),
                paid_at=now - dt.timedelta(days=i) if status == "paid" else None, owner_id=deal.owner_id,
            )
        )  # fmt: skip
    made = Invoice.objects.bulk_create(written)
    link(made, deals)
    return len(made)


def make_leads(dice: random.Random, contacts: Sequence[Contact], now: dt.datetime) -> int:
    written = []
    for i, contact in enumerate(contacts):
        (what, source), stage = LEADS[i % len(LEADS)], LEAD_STAGES[i % len(LEAD_STAGES)]
        written.append(
            Lead(
                name=f"{contact.first_name} {contact.last_name}: {what.lower()}", stage=stage, source=source,
                kind="new_business", rating=dice.choice(Lead.Rating.values), owner_id=contact.owner_id,
                disqualification_reason="No budget" if stage == "disqualified" else "",
                created_at=now - dt.timedelta(days=2 * i + 1),
            )
        )  # fmt: skip
    made = Lead.objects.bulk_create(written)
    pairs = [(lead.pk, contact.pk) for lead, contact in zip(made, contacts, strict=True)]
    associate(object_types["lead"], object_types["contact"], pairs)
    return len(made)


def make_projects(dice: random.Random, deals: Sequence[Deal], now: dt.datetime) -> int:
    """What follows from some of the deals won."""
    written = []
    for i, deal in enumerate(deals):
        starts_on = (now + dt.timedelta(days=12 - 9 * i)).date()
        status = "planned" if starts_on > now.date() else "done" if i > 5 else dice.choice(("active", "blocked"))
        written.append(
            Project(
                name=f"{deal.name.partition(':')[0]}: {WORK[i % len(WORK)].lower()}", status=status,
                priority=dice.choice(Project.Priority.values), starts_on=starts_on, owner_id=deal.owner_id,
                due_on=starts_on + dt.timedelta(days=40),
                completed_at=now - dt.timedelta(days=2) if status == "done" else None,
            )
        )  # fmt: skip
    made = Project.objects.bulk_create(written)
    link(made, deals)
    return len(made)


def make_surroundings(form: Form, contacts: Sequence[Contact], by: User, now: dt.datetime) -> None:
    """Submissions of the form by people who are there already, a list, a campaign, a newsletter, an email."""
    for i, contact in enumerate(contacts[:SUBMISSIONS]):
        answers = AnswerForm(form, {"email": contact.email, "first_name": contact.first_name})
        assert answers.is_valid(), answers.errors
        submit(form, answers, page="https://www.example.com/demo", now=now - dt.timedelta(hours=5 * i))
    group = {"all": [{"property": "stage", "operator": "is_any_of", "value": ["prospecting", "engaging"]}]}
    keeping.create(object_types["deal"], "Open deals", criteria={"any": [group]}, by=by, now=now)
    CallToAction.objects.create(
        slug="see-it", name="See it at work", text="See it at work", target="https://www.example.com/demo"
    )
    Campaign.objects.create(
        name="Spring fair", starts_on=now.date() - dt.timedelta(days=20), ends_on=now.date() + dt.timedelta(days=40)
    )
    news = SubscriptionType.objects.create(slug="product-news", name="Product news", description="Once a month.")
    EmailTemplate.objects.create(
        slug="welcome", name="Welcome", subject="Welcome, {{ contact.first_name | default: 'and thank you' }}",
        type=news, preview_text="What comes next, in two minutes.", body=WELCOME,
        footer="Example Ltd, 1 Example Street",
    )  # fmt: skip
