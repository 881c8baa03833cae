"""The communication subscriptions of one contact."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.models import Contact, Subscription, SubscriptionType
from crm.subscribing import Wish, problems_of, reachable, set_status, unreachable_sentence
from records.api.authentication import Right
from records.api.record_shapes import INSTANT
from records.api.record_views import READ, WRITE, ObjectView
from records.api.schema import Document, Route, object_shape
from records.api.serializing import Body, Line
from records.problems import DocumentError, Problem

TEXT: Document = {"type": "string"}
STATUS: Document = {"type": "string", "enum": Subscription.Status.values}
BASIS: Document = {"type": "string", "enum": ["", *Subscription.LegalBasis.values]}
SUBSCRIPTION = object_shape(
    {
        "type": TEXT,
        "name": TEXT,
        "channel": {"type": "string", "enum": SubscriptionType.Channel.values},
        "active": {"type": "boolean"},
        "status": STATUS,
        "legal_basis": BASIS,
        "explanation": TEXT,
        "source": {"type": ["string", "null"], "enum": [*Subscription.Source.values, None]},
        "changed_at": INSTANT | {"type": ["string", "null"]},
    },
    title="Subscription",
)
WISH = object_shape(
    {
        "type": {"type": "string", "description": "The internal name of a subscription type."},
        "status": STATUS,
        "legal_basis": BASIS,
        "explanation": TEXT,
    },
    optional=("legal_basis", "explanation"),
    title="SubscriptionWish",
)
SUBSCRIPTIONS = object_shape({"results": {"type": "array", "items": SUBSCRIPTION}}, title="Subscriptions")
WISHES = object_shape(
    {"subscriptions": {"type": "array", "items": WISH, "minItems": 1, "maxItems": 100}}, title="SubscriptionWishes"
)


class WishBody(Body):
    type = Line(max_length=50)
    status = serializers.ChoiceField(choices=Subscription.Status.choices)
    legal_basis = serializers.ChoiceField(choices=Subscription.LegalBasis.choices, required=False, allow_blank=True)
    explanation = Line(max_length=2_000, required=False, allow_blank=True)


class WishesBody(Body):
    subscriptions = serializers.ListField(allow_empty=False, max_length=100)


class SubscriptionView(ObjectView):
    """What a contact wants of each type; a PUT sets the types it names and leaves the others alone."""

    routes: ClassVar[dict[str, Route]] = {
        "subscriptions": Route(
            Right(READ, "view"), gettext_lazy("The communication subscriptions of a contact"), SUBSCRIPTIONS
        ),
        "set_subscriptions": Route(
            Right(WRITE, "change"), gettext_lazy("Set communication subscriptions of a contact"), SUBSCRIPTIONS, WISHES
        ),
    }

    def subscriptions(self, request: Request, id: int) -> Response:
        return self.shown_of(self.existing(id))

    def set_subscriptions(self, request: Request, id: int) -> Response:
        contact = self.existing(id)
        wishes = read(self.body(request, WishesBody)["subscriptions"], contact)
        with transaction.atomic(), self.source(request):
            for wish in sorted(wishes, key=lambda wish: wish.type.slug):
                set_status([contact.pk], wish, source=Subscription.Source.API, by=request.user, now=self.now())
        return self.shown_of(contact)

    def shown_of(self, contact: Contact) -> Response:
        current = {row.type_id: row for row in Subscription.objects.filter(contact=contact)}
        return Response({"results": [shown(one, current.get(one.slug)) for one in SubscriptionType.objects.all()]})


def shown(subscription_type: SubscriptionType, row: Subscription | None) -> dict[str, Any]:
    return {
        "type": subscription_type.slug,
        "name": subscription_type.name,
        "channel": subscription_type.channel,
        "active": subscription_type.active,
        "status": row.status if row else Subscription.Status.NOT_SPECIFIED.value,
        "legal_basis": row.legal_basis if row else "",
        "explanation": row.explanation if row else "",
        "source": row.source if row else None,
        "changed_at": row.changed_at if row else None,
    }


def read(documents: list[Any], contact: Contact) -> list[Wish]:
    """The wishes of a document. Raises DocumentError with every fault in any of them: then nothing is set."""
    faults: list[Problem] = []
    known = {one.slug: one for one in SubscriptionType.objects.all()}
    found: dict[str, Wish] = {}
    for index, document in enumerate(documents):
        place = f"subscriptions.{index}"
        try:
            body = WishBody.read(document, place)
        except DocumentError as error:
            faults += error.problems
            continue
        slug = body.pop("type")
        if slug not in known or slug in found:
            faults.append(fault_of(slug, known).at(place))
            continue
        found[slug] = Wish(known[slug], **body)
        faults += [problem.at(place) for problem in faults_for(found[slug], contact)]
    if faults:
        raise DocumentError(faults)
    return list(found.values())


def fault_of(slug: str, known: dict[str, SubscriptionType]) -> Problem:
    if slug in known:
        message = _("“%(value)s” is in the document twice. Send each subscription type once.")
        return Problem("type", message % {"value": slug}, slug)
    message = _("There is no subscription type “%(value)s”. Use one of: %(known)s.")
    return Problem("type", message % {"value": slug, "known": ", ".join(known) or _("none")}, slug)


def faults_for(wish: Wish, contact: Contact) -> list[Problem]:
    found = problems_of(wish)
    if wish.status == Subscription.Status.SUBSCRIBED and not reachable([contact.pk], wish.type):
        found.append(Problem("status", unreachable_sentence(wish), wish.status))
    return found
