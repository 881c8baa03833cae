"""Samples of custom code: what it is used for most, each ready to be copied into a step (DOP-02)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FOLDER = Path(__file__).resolve().parent / "samples"


@dataclass(frozen=True)
class Sample:
    """One use of custom code: `inputs`, `secrets` and `outputs` are what its step has to have, outputs with types."""

    slug: str
    title: str | Promise
    about: str | Promise
    inputs: tuple[str, ...]
    outputs: dict[str, str]
    secrets: tuple[str, ...] = field(default=())

    @cached_property
    def code(self) -> str:
        return (FOLDER / f"{self.slug}.js").read_text(encoding="utf-8")


SAMPLES = (
    Sample(
        "names",
        _("Tidy names"),
        _("Spaces, capitals and hyphens of first and last names as people write them."),
        ("firstname", "lastname"),
        {"firstname": "text", "lastname": "text"},
    ),
    Sample(
        "email_domain",
        _("Find the company of an address"),
        _("The domain of an email address, and whether it belongs to a mailbox provider instead of a company."),
        ("email",),
        {"domain": "text", "is_private": "boolean"},
    ),
    Sample(
        "lead_score",
        _("Score leads"),
        _("Points for title, size, country and visits, and the grade they make."),
        ("jobtitle", "employees", "country", "visits"),
        {"score": "number", "grade": "text"},
    ),
    Sample(
        "territory",
        _("Assign by territory"),
        _("The user who looks after a country, by rules of your own; an “Edit record” step sets the owner to it."),
        ("country", "employees"),
        {"owner": "text", "region": "text"},
    ),
    Sample(
        "weighted_rotation",
        _("Rotate with weights"),
        _("Some people get more leads than others."),
        (),
        {"owner": "text"},
    ),
    Sample(
        "renewal_date",
        _("Compute a renewal date"),
        _("Months after a date, and the workday on which to ask."),
        ("closedate", "months"),
        {"renewal": "date", "ask": "date"},
    ),
    Sample(
        "enrich",
        _("Ask another system"),
        _("Facts about a company from a service with a key; it may not know it."),
        ("domain", "service"),
        {"found": "boolean", "employees": "number", "industry": "text"},
        ("SERVICE_KEY",),
    ),
    Sample(
        "chat_message",
        _("Tell a chat"),
        _("A message in a team’s chat when something happens."),
        ("name", "amount"),
        {"sent": "boolean"},
        ("CHAT_ADDRESS",),
    ),
    Sample(
        "renewal_deal",
        _("Make a record by the API"),
        _("The renewal of a deal, with a new amount."),
        ("crm", "dealname", "amount"),
        {"deal": "number", "amount": "number"},
        ("CRM_TOKEN",),
    ),
)
