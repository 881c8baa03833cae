"""Demo data for the first start: an invented small sales team with companies, contacts, deals and tickets,
what was done about them and what was sold.

Everything comes from lists and one fixed random sequence, so two first starts look alike.
"""

from __future__ import annotations

import datetime as dt
import random

from django.utils.text import slugify

from crm.demo_activities import make_activities, make_commerce
from crm.demo_names import (
    CATEGORIES,
    CITIES,
    COMPANIES,
    FIRST_NAMES,
    JOB_TITLES,
    LAST_NAMES,
    OFFERS,
    REQUESTS,
    TEAMS,
)
from crm.demo_work import make_surroundings, make_work
from crm.models import Company, Contact, Deal, Form, LeadStatus, LifecycleStage, Team, TeamMembership, Ticket, User
from records.associations import associate
from records.journal import change_source
from records.object_types import object_types

SEED = 20_140
CONTACTS, DEALS, TICKETS = 120, 200, 60
STAGES = ("prospecting",) * 4 + ("engaging",) * 5 + ("won",) * 7 + ("lost",) * 4
PROBABILITY = {"prospecting": 10, "engaging": 40, "won": 100, "lost": 0}
COMPANY_STAGES = (LifecycleStage.LEAD, LifecycleStage.OPPORTUNITY, LifecycleStage.CUSTOMER)
TICKET_STATUSES = ("new", "waiting_on_us", "waiting_on_contact", "closed", "closed")


def seed(*, by: User, now: dt.datetime) -> int:
    """Fill an empty CRM; returns how many records were made. All of it is journaled as done by `by`."""
    dice = random.Random(SEED)
    with change_source("demo", actor=by.pk):
        companies = make_companies(dice, make_teams(), now)
        contacts = make_contacts(dice, companies, now)
        deals = make_deals(dice, companies, contacts, now)
        tickets = make_tickets(dice, companies, contacts, now)
        more = make_activities(dice, deals, tickets, now) + make_commerce(dice, deals, now)
        more += make_work(contacts, deals, tickets, SEED, now)
    make_surroundings(make_form(), contacts, by, now)
    return len(companies) + len(contacts) + len(deals) + len(tickets) + more


def make_teams() -> list[User]:
    """Three teams, whose people own records but cannot sign in."""
    sellers: list[User] = []
    for name, region, people in TEAMS:
        team = Team.objects.create(name=name, slug=slugify(name), region=region)
        for person in people:
            first, _, last = person.partition(" ")
            user = User(username=f"{first}.{last}".lower(), first_name=first, last_name=last)
            user.email = f"{user.username}@example.com"
            user.set_unusable_password()
            user.save()
            TeamMembership.objects.create(team=team, user=user)
            sellers.append(user)
    return sellers


def make_form() -> Form:
    """A form to try out, open to everybody who has its link."""
    form = Form.objects.create(
        name="Demo request", slug="demo-request", title="See it at work",
        introduction="Tell us who you are, and we show you round in half an hour.",
        thanks="We write to you within a day to find a time.",
    )  # fmt: skip
    asked = (
        ("contact.email", True),
        ("contact.first_name", True),
        ("contact.last_name", False),
        ("company.name", False),
    )
    for position, (prop, required) in enumerate(asked):
        label = "Company" if prop == "company.name" else ""
        form.fields.create(property=prop, required=required, position=position, label=label)
    return form


def make_companies(dice: random.Random, sellers: list[User], now: dt.datetime) -> list[Company]:
    made = []
    for i, (name, industry) in enumerate(COMPANIES):
        city, country, _zone = CITIES[i % len(CITIES)]
        employees = dice.choice((4, 12, 30, 45, 80, 150, 320, 900, 2_400))
        made.append(
            Company(
                name=name,
                domain=f"{name.lower().replace(' ', '-')}.example",
                industry=industry,
                city=city,
                country=country,
                employees=employees,
                annual_revenue=employees * dice.randrange(80, 240) * 1_000,
                lifecycle_stage=dice.choice(
                    (LifecycleStage.LEAD, LifecycleStage.OPPORTUNITY, LifecycleStage.CUSTOMER)
                ),
                owner=sellers[i % len(sellers)],
                created_at=now - dt.timedelta(days=dice.randrange(200, 700)),
            )
        )
    return Company.objects.bulk_create(made)


def make_contacts(dice: random.Random, companies: list[Company], now: dt.datetime) -> list[Contact]:
    """Three people at each company, a few of whom are new leads nobody has talked to."""
    made = []
    for i in range(CONTACTS):
        company = companies[i % len(companies)]
        first = FIRST_NAMES[i % len(FIRST_NAMES)]
        last = LAST_NAMES[(i * 7 + i // len(FIRST_NAMES)) % len(LAST_NAMES)]
        status = dice.choice(LeadStatus.values)
        made.append(
            Contact(
                email=f"{first}.{last}.{i}@{company.domain}".lower(),
                first_name=first,
                last_name=last,
                phone=f"+44 20 7946 0{dice.randrange(1_000):03}",
                job_title=JOB_TITLES[i % len(JOB_TITLES)],
                city=company.city,
                country=company.country,
                time_zone=next(zone for city, _country, zone in CITIES if city == company.city),
                lifecycle_stage=LifecycleStage.LEAD if status == LeadStatus.NEW else company.lifecycle_stage,
                lead_status=status,
                lead_score=dice.randrange(0, 100),
                owner=company.owner,
                created_at=now - dt.timedelta(days=dice.randrange(1, 200)),
            )
        )
    made = Contact.objects.bulk_create(made)
    link("contact", "company", [(contact.pk, companies[i % len(companies)].pk) for i, contact in enumerate(made)])
    return made


def make_deals(dice: random.Random, companies: list[Company], contacts: list[Contact], now: dt.datetime) -> list[Deal]:
    made, ends = [], []
    for i in range(DEALS):
        which = dice.randrange(len(companies))
        offer, price = OFFERS[i % len(OFFERS)]
        stage = dice.choice(STAGES)
        days = dice.randrange(5, 120)
        made.append(
            Deal(
                name=f"{companies[which].name}: {offer}",
                pipeline="sales",
                stage=stage,
                amount=price * dice.randrange(1, 12),
                currency="EUR",
                close_date=(now + dt.timedelta(days=-days if stage in ("won", "lost") else days)).date(),
                probability=PROBABILITY[stage],
                owner=companies[which].owner,
                created_at=now - dt.timedelta(days=days + dice.randrange(10, 60)),
            )
        )
        ends.append(which)
    made = Deal.objects.bulk_create(made)
    link("deal", "company", [(deal.pk, companies[which].pk) for deal, which in zip(made, ends, strict=True)])
    link("deal", "contact", [(deal.pk, contacts[which].pk) for deal, which in zip(made, ends, strict=True)])
    return made


def make_tickets(
    dice: random.Random, companies: list[Company], contacts: list[Contact], now: dt.datetime
) -> list[Ticket]:
    made, ends = [], []
    for i in range(TICKETS):
        which = dice.randrange(len(contacts))
        subject, category = REQUESTS[i % len(REQUESTS)], CATEGORIES[i % len(CATEGORIES)]
        made.append(
            Ticket(
                subject=subject,
                description=f"{contacts[which].first_name} asks: {subject.lower()}.",
                pipeline="support",
                status=dice.choice(TICKET_STATUSES),
                priority=dice.choice(Ticket.Priority.values),
                category=category,
                source=dice.choice(Ticket.Source.values),
                owner=companies[which % len(companies)].owner,
                created_at=now - dt.timedelta(hours=dice.randrange(2, 900)),
            )
        )
        ends.append(which)
    made = Ticket.objects.bulk_create(made)
    link("ticket", "contact", [(ticket.pk, contacts[i].pk) for ticket, i in zip(made, ends, strict=True)])
    pairs = [(ticket.pk, companies[i % len(companies)].pk) for ticket, i in zip(made, ends, strict=True)]
    link("ticket", "company", pairs)
    return made


def link(from_slug: str, to_slug: str, pairs: list[tuple[int, int]]) -> None:
    associate(object_types[from_slug], object_types[to_slug], pairs)
