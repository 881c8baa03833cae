"""Which records a step works on: the enrolled one, or records associated with it, as the user chooses (ACG-05).

An action whose `Params` are a `TargetForm` has the choice. With `to` it works on records of one type only, wherever it
is used: a contact-only action in a workflow for deals runs on the deal's contacts. With `edits` it writes properties,
which the enrolled record's object type may allow for some types only (`workflows_write`, ACG-09).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Case, CharField, Exists, F, OuterRef, Value, When, Window
from django.db.models.functions import DenseRank
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.associations import AssociationType, associations_of, holder, rows_of
from records.labelling import PRIMARY
from records.object_types import ObjectType
from records.properties import Property
from workflows.prepared import properties_in
from workflows.step_forms.forms import ChoiceField, TextField, offered
from workflows.step_forms.params import ParamsForm, StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

#: Associated records of one record that a step works on at most.
LIMIT = 1_000


class AssociationField(ChoiceField):
    """An association of the enrolled record, or ""; what cannot be chosen is refused with the reason."""

    form: TargetForm

    def use_form(self, form: TargetForm) -> None:
        self.form = form
        own = form.context.object_type
        first = _("The enrolled %(type)s") % {"type": own.label} if form.takes(own, own) else "—"
        self.choices = [("", first), *((slug, shown(one)) for slug, one in form.offered(own).items())]
        self.widget.attrs["data-refresh"] = "panel"

    def validate(self, value: Any) -> None:
        fault = fault_of(type(self.form), value, self.form.context.object_type)
        if fault:
            raise ValidationError(fault)

    def schema(self) -> dict[str, Any]:
        known = offered(self)
        return {"type": "string", "x-association": True} | ({"enum": known} if known else {})


class TargetForm(ParamsForm):
    """Params of an action that can work on associated records."""

    to = ""
    edits = False

    of = AssociationField(label=gettext_lazy("Records"), required=False)
    label = TextField(
        label=gettext_lazy("Only those linked with this label"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("Leave it out for all links."),
    )
    which = ChoiceField(
        label=gettext_lazy("How many"),
        required=False,
        choices=[("", gettext_lazy("All of them")), (PRIMARY, gettext_lazy("The primary one"))],
        help_text=gettext_lazy("The primary one is the one labelled “primary”, or the only one there is."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.raw("of"):
            for name in ("label", "which"):
                self.fields[name].widget = forms.HiddenInput()

    @classmethod
    def takes(cls, own: ObjectType, other: ObjectType) -> bool:
        """Whether in a workflow for one type the action may work on records of another."""
        return (not cls.to or other.slug == cls.to) and (not cls.edits or own.lets_workflows_write(other))

    @classmethod
    def offered(cls, own: ObjectType) -> dict[str, AssociationType]:
        """The associations that can be chosen."""
        return {slug: one for slug, one in associations_of(own).items() if cls.takes(own, one.to)}

    @classmethod
    def possible(cls, own: ObjectType) -> bool:
        return cls.takes(own, own) or bool(cls.offered(own))

    @property
    def subject(self) -> ObjectType:
        """Whose properties the other params speak of."""
        return subject_of({"of": self.raw("of")}, self.context)

    @property
    def subject_type(self) -> ObjectType:
        return self.subject

    @property
    def subject_properties(self) -> Mapping[str, Property]:
        return properties_for(self.subject, self.context)

    def clean_label(self) -> str:
        label = self.cleaned_data["label"] or ""
        association = association_of({"of": self.raw("of")}, self.context)
        if label and association is not None and association.relation:
            raise ValidationError(_("Links of this kind have no labels. Leave the label out."))
        if label and association is None:
            raise ValidationError(_("A label is for associated records. Choose them, or leave the label out."))
        return label


def fault_of(form: type[TargetForm], slug: Any, own: ObjectType) -> str:
    """What is wrong with the chosen association ("" for the enrolled record), as a sentence; "" for nothing."""
    choices = form.offered(own)
    known = {"value": slug, "known": ", ".join(choices) or _("none"), "records": own.label_plural, "record": own.label}
    chosen = associations_of(own).get(slug) if isinstance(slug, str) else None
    if slug == "":
        if form.takes(own, own):
            return ""
        if form.edits and not own.lets_workflows_write(own):
            message = _(
                "Workflows for %(records)s may only change properties of associated records. Choose them with “of”: "
                "%(known)s."
            )
            return message % known
        return _("This action does not work on %(records)s. Choose associated records with “of”: %(known)s.") % known
    if chosen is not None and slug in choices:
        return ""
    if chosen is not None and form.edits and not own.lets_workflows_write(chosen.to):
        message = _("Workflows for %(records)s may not change properties of “%(value)s”. Use one of: %(known)s.")
        return message % known
    message = _("“%(value)s” is not an association of the %(record)s that can be chosen here. Use one of: %(known)s.")
    return message % known


def shown(association: AssociationType) -> str:
    records = _("Associated %(records)s") % {"records": association.to.label_plural}
    return capfirst(f"{records} ({association.slug})" if association.relation else records)


def subject_of(document: Mapping[str, Any], context: StepContext) -> ObjectType:
    """The type of the records a step works on; the enrolled ones' where the document names no association."""
    found = association_of(document, context)
    return found.to if found else context.object_type


def association_of(document: Mapping[str, Any], context: StepContext) -> AssociationType | None:
    """The association a document names; None for the enrolled record, and where there is none of the name."""
    slug = document.get("of")
    return associations_of(context.object_type).get(slug) if isinstance(slug, str) else None


def properties_for(object_type: ObjectType, context: StepContext) -> Mapping[str, Property]:
    """The properties of the context's own type or of another one, read once until the vocabulary changes."""
    if object_type is context.object_type:
        return context.properties
    return properties_in(object_type, context)


@dataclass(frozen=True)
class Targets:
    """The records a step works on, by the enrolled record they belong to."""

    object_type: ObjectType
    by_record: Mapping[int, list[int]]

    @property
    def ids(self) -> list[int]:
        return sorted({pk for found in self.by_record.values() for pk in found})

    def of(self, enrollment: Standing) -> list[int]:
        return self.by_record.get(enrollment.record_id, [])


def targets_of(batch: Batch, params: Mapping[str, Any]) -> Targets:
    """The records the step works on, at most LIMIT for each enrolled one: the history says where there are more.

    One statement; enrollments without any are answered as skipped.
    """
    association = associations_of(batch.object_type).get(params.get("of") or "")
    if association is None:
        return Targets(batch.object_type, {pk: [pk] for pk in batch.ids})
    found = linked(batch.object_type, association, batch.ids, params.get("label") or None)
    chosen = found
    if params.get("which") == PRIMARY:
        chosen = {pk: one for pk, links in found.items() if (one := primary(links))}
    records = str(association.to.label_plural)
    for enrollment in batch.enrollments:
        if enrollment.record_id not in chosen:
            reason = "no_primary" if enrollment.record_id in found else "no_associated"
            batch.skip(enrollment, reason, records=records)
        elif len(chosen[enrollment.record_id]) > LIMIT:
            batch.note(enrollment, above_limit=LIMIT)
    return Targets(association.to, {pk: sorted(links)[:LIMIT] for pk, links in chosen.items()})


def linked(
    own: ObjectType, association: AssociationType, ids: Iterable[int], label: str | None
) -> dict[int, dict[int, set[str]]]:
    """By record the live records it is linked with, each with the labels of its links; with `label` only those.

    Of each record the primary ones and then the first ones by id, one more than LIMIT at most.
    """
    ids, living = list(ids), association.to.records().values("pk")
    order: list[Any]
    if association.relation:
        table, one, other, _links_only = holder(own, association.relation)
        rows = table._default_manager.filter(**{f"{one}__in": ids, f"{other}__in": living})
        rows, order, labels = rows.annotate(_label=Value("", CharField())), [other], "_label"
    else:
        one, other, labels = "from_id", "to_id", "label"
        rows = rows_of(own, association.to, None).filter(from_id__in=ids, to_id__in=living)
        if label is not None:
            alike = rows_of(own, association.to, label).filter(from_id=OuterRef("from_id"), to_id=OuterRef("to_id"))
            rows = rows.filter(Exists(alike))
        order = [Case(When(label=PRIMARY, then=0), default=1), other]
    place = Window(DenseRank(), partition_by=[F(one)], order_by=order)
    found: dict[int, dict[int, set[str]]] = defaultdict(dict)
    for from_id, to_id, text in (
        rows.annotate(_place=place).filter(_place__lte=LIMIT + 1).values_list(one, other, labels)
    ):
        found[from_id].setdefault(to_id, set()).add(text)
    return dict(found)


def primary(links: dict[int, set[str]]) -> dict[int, set[str]]:
    """The link labelled “primary” (of several the one with the smallest id), or the only one."""
    named = sorted(other for other, labels in links.items() if PRIMARY in labels)
    if named:
        return {named[0]: links[named[0]]}
    return links if len(links) == 1 else {}
