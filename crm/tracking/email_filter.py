"""Filters on what a contact did with marketing emails: one of those already sent, or any (FLT-26, FLT-27)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import MarketingEmail
from records.criteria.crossing import within
from records.criteria.dependencies import Crossing, Dependency
from records.criteria.event_rows import EVENT_PREFIX
from records.criteria.leaves import LeafKind, leaf_kinds
from records.criteria.refining import Refinement, read
from records.criteria.scope import Scope, joined_path
from records.criteria.tree import Context, Node
from records.models import Event
from records.object_types import ObjectType
from records.properties import Text

#: What stands for any email; no email can be called so, as names have no control characters and are trimmed.
ANY = "*"
SHOWN = 500
KEYS = {"marketing_email", "operator", "refine"}


@dataclass(frozen=True)
class Operator:
    """What is asked: an event of the email, and one that has not followed on the same email ("" for none)."""

    label: Text
    event: str
    without: str = ""


OPERATORS = {
    "was_sent": Operator(gettext_lazy("was sent"), "email_sent"),
    "was_received": Operator(gettext_lazy("was received"), "email_delivered"),
    "was_opened": Operator(gettext_lazy("was opened"), "email_opened"),
    "was_clicked": Operator(gettext_lazy("link was clicked"), "email_clicked"),
    "was_replied": Operator(gettext_lazy("was replied to"), "email_replied"),
    "has_bounced": Operator(gettext_lazy("has bounced"), "email_bounced"),
    "was_marked_as_spam": Operator(gettext_lazy("was marked as spam"), "email_marked_as_spam"),
    "was_unsubscribed": Operator(gettext_lazy("was unsubscribed from"), "email_unsubscribed"),
    "received_not_opened": Operator(gettext_lazy("was received, but not opened"), "email_delivered", "email_opened"),
    "opened_not_clicked": Operator(gettext_lazy("was opened, but no link clicked"), "email_opened", "email_clicked"),
    "opened_not_replied": Operator(gettext_lazy("was opened, but not replied to"), "email_opened", "email_replied"),
    "sent_not_clicked": Operator(gettext_lazy("was sent, but no link clicked"), "email_sent", "email_clicked"),
    "sent_not_received": Operator(gettext_lazy("was sent, but not received"), "email_sent", "email_delivered"),
}
#: What has happened, by event.
SENTENCES: dict[str, Text] = {
    "email_sent": gettext_lazy("was sent %(email)s"),
    "email_delivered": gettext_lazy("has received %(email)s"),
    "email_opened": gettext_lazy("has opened %(email)s"),
    "email_clicked": gettext_lazy("has clicked a link in %(email)s"),
    "email_replied": gettext_lazy("has replied to %(email)s"),
    "email_bounced": gettext_lazy("has bounced %(email)s back"),
    "email_marked_as_spam": gettext_lazy("has marked %(email)s as spam"),
    "email_unsubscribed": gettext_lazy("has unsubscribed by %(email)s"),
}
#: What has not followed, after what has happened.
FOLLOWED: dict[str, Text] = {
    "email_delivered": gettext_lazy("%(it)s, but has not received it"),
    "email_opened": gettext_lazy("%(it)s, but has not opened it"),
    "email_clicked": gettext_lazy("%(it)s, but has not clicked a link in it"),
    "email_replied": gettext_lazy("%(it)s, but has not replied to it"),
}


class MarketingEmailKind(LeafKind):
    """{marketing_email: name or "*", operator, refine: {…}}"""

    slug = "marketing_email"
    label = gettext_lazy("Marketing email")
    category = gettext_lazy("Marketing email activity")
    refined = tuple(OPERATORS)
    spec = ("FLT-26", "FLT-27")

    def choices(self, object_type: ObjectType) -> list[tuple[str, str]]:
        """Any email, and those already sent, the newest first."""
        if object_type.slug != "contact":
            return []
        names = MarketingEmail.objects.values_list("name", flat=True)[:SHOWN]
        return [(ANY, _("Any marketing email")), *((name, name) for name in names)]

    def operators(self) -> list[tuple[str, str]]:
        return [(slug, str(operator.label)) for slug, operator in OPERATORS.items()]

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        scope.count_filter(path)
        scope.unknown_keys(document, KEYS, path)
        if scope.object_type.slug != "contact":
            message = _("Only contacts get marketing emails. Put the filter inside one on associated contacts.")
            scope.fault(path, message, document)
            return None
        name = document["marketing_email"]
        sent = isinstance(name, str) and (name == ANY or scope.stored or was_sent(name))
        if not sent:
            message = _("No marketing email %(value)r has been sent. Choose one that has, or “*” for any.")
            scope.fault(joined_path(path, "marketing_email"), message % {"value": name}, name, code="unknown_email")
        operator = OPERATORS.get(self.operator_of(document, scope, path) or "")
        refinement = read(document.get("refine"), scope, joined_path(path, "refine"))
        if not sent or operator is None or refinement is None:
            return None
        return MarketingEmailFilter(path, name, operator, refinement, scope.hops)


def was_sent(name: str) -> bool:
    return "\x00" not in name and MarketingEmail.objects.filter(name=name).exists()


@dataclass(frozen=True)
class MarketingEmailFilter(Node):
    """Whether the contact did something with an email, and has not done something else with the same one.

    The refinement is about what was done; what has not followed must not have followed at any time.
    """

    path: str
    email: str
    operator: Operator
    refinement: Refinement
    hops: tuple[str, ...]

    def occurrences(self, context: Context) -> QuerySet[Event]:
        found = Event.objects.filter(
            self.refinement.q(context), event=self.operator.event, object_type="contact", record_id=OuterRef("pk")
        )
        if self.email != ANY:
            found = found.filter(properties__email=self.email)
        if self.operator.without:
            name = KeyTextTransform("email", "properties")
            followed = Event.objects.alias(of=name).filter(
                event=self.operator.without, object_type="contact", record_id=OuterRef("record_id"),
                of=OuterRef("email_name"),
            )  # fmt: skip
            found = found.alias(email_name=name).filter(~Exists(followed))
        return found

    def q(self, context: Context) -> Q:
        rows: QuerySet[Any, Any] = self.occurrences(context)
        low, high = self.refinement.at_least, self.refinement.at_most
        if low > 1 or high is not None:
            rows = rows.order_by().values("record_id").annotate(times=Count(F("id")))
            if not low:
                return ~Q(Exists(rows.filter(times__gt=high)))
            rows = rows.filter(times__gte=low)
            rows = rows if high is None else rows.filter(times__lte=high)
        return Q(Exists(rows))

    def text(self, context: Context) -> str:
        name = _("a marketing email") if self.email == ANY else _("the email “%(name)s”") % {"name": self.email}
        sentence = self.refinement.text(str(SENTENCES[self.operator.event]) % {"email": name})
        return str(FOLLOWED[self.operator.without]) % {"it": sentence} if self.operator.without else sentence

    def dependencies(self) -> Iterator[Dependency]:
        for event in (self.operator.event, self.operator.without):
            if event:
                yield Dependency("contact", f"{EVENT_PREFIX}{event}", self.hops)

    @property
    def time_sensitive(self) -> bool:
        return self.refinement.time_sensitive

    def crossed(self, before: Context, after: Context) -> Iterator[Crossing]:
        """Whose occurrences have become too old, or old enough, between two instants."""
        if asked := self.refinement.crossed(before, after):
            moved = Event.objects.filter(
                within("occurred_at", asked), event=self.operator.event, object_type="contact"
            )
            yield Crossing(self.hops, moved.order_by().values_list("record_id", flat=True))


def register_email_filter() -> None:
    """Called once, when the apps are ready."""
    leaf_kinds.register(MarketingEmailKind)
