"""The subscriptions of a contact on its page: shown, with their history, and changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Contact, Subscription, SubscriptionChange, SubscriptionType
from crm.record_links import users_by_id
from crm.subscribing import Wish, problems_of, reachable, set_status, unreachable_sentence
from records.journal import change_source
from workflows.models import Workflow

SHOWN = 10
TONES = {"subscribed": "chip-ok", "unsubscribed": "chip-danger"}


class SubscriptionForm(forms.Form):
    """What the contact wants of one type, and how one knows."""

    status = forms.ChoiceField(label=gettext_lazy("Status"), choices=Subscription.Status.choices)
    legal_basis = forms.ChoiceField(
        label=gettext_lazy("Legal basis"), required=False, choices=[("", "—"), *Subscription.LegalBasis.choices]
    )
    explanation = forms.CharField(
        label=gettext_lazy("Explanation"), required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, data: Any = None, *, type: SubscriptionType, initial: Any = None) -> None:
        self.type = type
        super().__init__(data, auto_id=f"subscription_{type.slug}_%s", initial=initial)

    def wish(self, contact: Contact) -> Wish | None:
        """The wish; None, with errors in the form, where it cannot be fulfilled."""
        if not self.is_valid():
            return None
        wish = Wish(self.type, **self.cleaned_data)
        for problem in problems_of(wish):
            self.add_error(problem.path if problem.path in self.fields else None, str(problem.message))
        if wish.status == Subscription.Status.SUBSCRIBED and not reachable([contact.pk], self.type):
            self.add_error("status", unreachable_sentence(wish))
        return None if self.errors else wish


@dataclass
class Line:
    """One type as the page shows it."""

    type: SubscriptionType
    form: SubscriptionForm
    status: str = Subscription.Status.NOT_SPECIFIED.value
    label: str = ""
    tone: str = "chip-muted"
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def latest(self) -> dict[str, Any]:
        return self.history[0] if self.history else {}


def lines(contact: Contact, sent: SubscriptionForm | None = None) -> list[Line]:
    """Every active type, and inactive ones the contact has said something about; `sent` replaces its type's form."""
    current = {row.type_id: row for row in Subscription.objects.filter(contact=contact)}
    history = told(contact)
    found = []
    for one in SubscriptionType.objects.all():
        row = current.get(one.slug)
        if not one.active and row is None:
            continue
        status = Subscription.Status(row.status) if row else Subscription.Status.NOT_SPECIFIED
        initial = {"status": status.value, "legal_basis": row.legal_basis if row else ""}
        form = sent if sent is not None and sent.type == one else SubscriptionForm(initial=initial, type=one)
        tone = TONES.get(status.value, "chip-muted")
        found.append(Line(one, form, status.value, str(status.label), tone, history.get(one.slug, [])))
    return found


def told(contact: Contact) -> dict[str, list[dict[str, Any]]]:
    """The newest changes of each type, in words, by the type's slug."""
    rows = list(SubscriptionChange.objects.filter(contact=contact).order_by("-id")[: SHOWN * 20])
    people = users_by_id(row.changed_by_id for row in rows)
    workflows = dict(Workflow.objects.filter(pk__in={r.workflow_id for r in rows}).values_list("pk", "name"))
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if len(found[row.type_id]) < SHOWN:
            found[row.type_id].append(
                {"row": row, "who": who(row, people, workflows), "basis": row.get_legal_basis_display()}
            )
    return found


def who(row: SubscriptionChange, people: dict[int, str], workflows: dict[int, str]) -> str:
    """Where a change came from."""
    if row.source == Subscription.Source.WORKFLOW:
        return _("by the workflow “%(name)s”") % {"name": workflows.get(row.workflow_id or 0, _("a deleted workflow"))}
    if row.source == Subscription.Source.FORM:
        return _("by a form")
    person = people.get(row.changed_by_id or 0, _("somebody"))
    template = _("by %(person)s through the API") if row.source == Subscription.Source.API else _("by %(person)s")
    return template % {"person": person}


def change(form: SubscriptionForm, contact: Contact, *, by: Any, now: Any) -> str:
    """Set what the form says; the sentence about it, "" with errors in the form when it cannot be."""
    wish = form.wish(contact)
    if wish is None:
        return ""
    with change_source("admin", actor=by):
        changed = set_status([contact.pk], wish, source=Subscription.Source.ADMIN, by=by, now=now)
    facts = {"type": form.type.name, "status": Subscription.Status(wish.status).label}
    return _("%(type)s: %(status)s.") % facts if changed else _("%(type)s: nothing was changed.") % facts
