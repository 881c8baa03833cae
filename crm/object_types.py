"""The CRM's object types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.models import Company, Contact, Conversation, Deal, Note, Pipeline, Stage, Task, Ticket
from records.object_types import property_of, register
from records.properties import Option, Property
from records.vocabulary import ListedIn

HIDDEN = {"custom", "deleted_at"}
#: What websites tell of a contact (FLT-22, FLT-36 to FLT-38).
CAME_FROM = {
    name: {"group": _("Where the contact came from")}
    for name in (
        "google_click_id", "facebook_click_id", "linkedin_click_id", "microsoft_click_id", "first_source",
        "first_medium", "first_campaign", "last_source", "last_medium", "last_campaign", "cookie_consent",
    )
}  # fmt: skip
LINKS = ("contact", "company", "deal", "ticket", "task", "note")
#: Those of the people a conversation is with, and of what comes of it.
TALKING = (*LINKS, "conversation")


def pipelines(object_type: str) -> ListedIn:
    def fetch() -> Iterable[Option]:
        found = Pipeline.objects.filter(object_type=object_type)
        return [Option(slug, label) for slug, label in found.values_list("slug", "label")]

    return ListedIn(fetch, Pipeline)


def stages(object_type: str) -> ListedIn:
    """The stages of every pipeline of the type; a slug used in several pipelines is one option."""

    def fetch() -> Iterable[Option]:
        found = Stage.objects.filter(pipeline__object_type=object_type).order_by("pipeline__position", "position")
        return [Option(slug, label) for slug, label in dict(found.values_list("slug", "label")).items()]

    return ListedIn(fetch, Stage, Pipeline)


def columns(model: Any, **overrides: dict[str, Any]) -> tuple[Property, ...]:
    """The model's columns as properties, its own first, then the ones every record has."""
    fields = [field for field in model._meta.concrete_fields if field.name not in HIDDEN]
    own_first = sorted(fields, key=lambda field: field.name in {"id", "owner", "created_at", "updated_at"})
    derived = (property_of(field, **overrides.get(field.name, {})) for field in own_first)
    return tuple(prop for prop in derived if prop is not None)


def register_object_types() -> None:
    """Called once, when the apps are ready."""
    money = {"type": "currency"}
    register(
        Contact, plural="contacts", icon="user", associates_with=TALKING, blanks_match_negatives=True,
        name_property="email", mergeable=True, one_primary=("company",), declared=columns(
            Contact, email={"unique": True}, phone={"type": "phone"}, mobile={"type": "phone"}, **CAME_FROM,
        ),
    )  # fmt: skip
    register(
        Company, plural="companies", icon="building", associates_with=TALKING, mergeable=True,
        declared=columns(Company, annual_revenue=money),
    )  # fmt: skip
    register(
        Deal, plural="deals", icon="handshake", associates_with=LINKS, mergeable=True, one_primary=("company",),
        declared=columns(
            Deal,
            amount=money,
            pipeline={"type": "select", "options_source": pipelines("deal")},
            stage={"type": "select", "options_source": stages("deal")},
        ),
    )  # fmt: skip
    register(
        Ticket, plural="tickets", icon="ticket", name_property="subject", associates_with=TALKING, mergeable=True,
        one_primary=("company",),
        declared=columns(
            Ticket,
            pipeline={"type": "select", "options_source": pipelines("ticket")},
            status={"type": "select", "options_source": stages("ticket"), "label": _("status")},
        ),
    )  # fmt: skip
    register(
        Task, plural="tasks", icon="check-square", name_property="title", associates_with=TALKING,
        declared=columns(Task),
    )  # fmt: skip
    register(
        Note, plural="notes", icon="sticky-note", name_property="body", associates_with=TALKING,
        declared=columns(Note),
    )  # fmt: skip
    register(
        Conversation, plural="conversations", icon="message", name_property="subject",
        associates_with=("contact", "company", "ticket", "task", "note"), workflows_write=("contact",),
        declared=columns(Conversation),
    )  # fmt: skip
