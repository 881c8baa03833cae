"""Create associations: the record is linked with those that have the same value in a property (CRM-25, CRM-26)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records import labelling
from records.associations import AssociationType, associations_of
from records.equal_values import comparable, equal_ones
from records.object_types import ObjectType
from records.problems import Problem
from records.properties import Property
from workflows.actions.apply_label import counted
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.forms import ChoiceField, PropertyField
from workflows.step_forms.links_form import label_field
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.targets import LIMIT, linked, properties_for

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


class OtherTypeForm(ParamsForm):
    """Params that speak of the properties of the type chosen in `object`."""

    @property
    def subject_type(self) -> ObjectType:
        return type_of({"object": self.raw("object")}, self.context) or self.context.object_type

    @property
    def subject_properties(self) -> Mapping[str, Property]:
        kind = type_of({"object": self.raw("object")}, self.context)
        return properties_for(kind, self.context) if kind else {}


@actions.register
class CreateAssociation(Action):
    slug = "create_association"
    label = gettext_lazy("Create associations")
    description = gettext_lazy("Associate the record with others that have the same value in a property.")
    group = gettext_lazy("Associations")
    icon = "link"

    class Params(OtherTypeForm):
        object = ChoiceField(label=gettext_lazy("Associate with"), choices=[])
        property = PropertyField(label=gettext_lazy("Where this property of the enrolled record"))
        matches = PropertyField(label=gettext_lazy("has the same value as this property of the other"), subject=True)
        label = label_field(
            gettext_lazy("Label"), required=False, help_text=gettext_lazy("Leave it out for a plain association.")
        )

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            choices = self.fields["object"]
            assert isinstance(choices, ChoiceField)
            offered = linkable(self.context.object_type)
            choices.choices = [
                ("", "—"), *((slug, capfirst(str(one.to.label_plural))) for slug, one in offered.items())
            ]  # fmt: skip
            choices.widget.attrs["data-refresh"] = "panel"

        @classmethod
        def possible(cls, own: ObjectType) -> bool:
            return bool(linkable(own))

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            own = self.context.properties.get(cleaned.get("property", ""))
            other = self.subject_properties.get(cleaned.get("matches", ""))
            if own is not None and other is not None and not comparable(own, other):
                message = _(
                    "%(own)s (%(own_type)s) and %(other)s (%(other_type)s) are never the same. Choose two texts, two "
                    "numbers or two choices."
                )
                facts = {"own": own.label, "own_type": own.kind.label}
                self.add_error("matches", message % {**facts, "other": other.label, "other_type": other.kind.label})
            return cleaned

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [*super().problems(document, context), *not_allowed(context.user, "change", context.object_type)]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        kind = type_of(document, context)
        own = context.properties.get(str(document.get("property", "")))
        other = properties_for(kind, context).get(str(document.get("matches", ""))) if kind else None
        if kind is None or own is None or other is None:
            return _("Choose what to associate with, and two properties that match")
        facts = {"records": kind.label_plural, "own": own.label, "other": other.label, "label": document.get("label")}
        if facts["label"]:
            return _("Associate as “%(label)s” with %(records)s whose %(other)s is the record’s %(own)s") % facts
        return _("Associate with %(records)s whose %(other)s is the record’s %(own)s") % facts

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        kind = type_of(document, context)
        named = ((context.object_type, document.get("property")), (kind, document.get("matches")))
        return {f"{one.slug}.{slug}" for one, slug in named if one is not None and isinstance(slug, str) and slug}

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"changed": Property("changed", gettext_lazy("Number of associations made"), "number")}

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """A statement for the values, one for who has the same, one for the links there are, one for the new ones."""
        association = linkable(batch.object_type)[params["object"]]
        kind, own = association.to, batch.properties[params["property"]]
        other = properties_for(kind, batch.context)[params["matches"]]
        filled, found = equal_ones(batch.records(), own, kind, other, LIMIT + 1)
        held = linked(batch.object_type, association, batch.ids, None)
        new = [
            (one.record_id, pk)
            for one in batch.enrollments
            for pk in found.get(one.record_id, ())[:LIMIT]
            if pk not in held.get(one.record_id, ()) and (kind is not batch.object_type or pk != one.record_id)
        ]
        labelling.link(batch.object_type, kind, new, params["label"] or "")
        counts: dict[int, int] = {}
        for pk, _other in new:
            counts[pk] = counts.get(pk, 0) + 1
        records = str(kind.label_plural)
        for enrollment in batch.enrollments:
            pk = enrollment.record_id
            count = counts.get(pk, 0)
            batch.output(enrollment, changed=count)
            if len(found.get(pk, ())) > LIMIT:
                batch.note(enrollment, above_limit=LIMIT)
            if count:
                batch.done(enrollment, of=kind.slug, records=count, label=params["label"] or "")
            elif pk not in filled:
                batch.skip(enrollment, "nothing_to_match", property=str(own.label))
            else:
                batch.skip(enrollment, "linked_already" if pk in found else "no_match", records=records)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        count, records = counted(detail)
        facts = {"count": count, "records": records, "label": str(detail.get("label", ""))}
        if detail.get("label"):
            sentence = ngettext(
                "Associated with {count} of the {records} as “{label}”",
                "Associated with {count} of the {records} as “{label}”",
                count,
            )
        else:
            sentence = ngettext(
                "Associated with {count} of the {records}", "Associated with {count} of the {records}", count
            )
        return format_html(sentence, **facts)


def linkable(own: ObjectType) -> dict[str, AssociationType]:
    """The associations of a type that anybody can make."""
    return {slug: one for slug, one in associations_of(own).items() if one.relation is None}


def type_of(document: dict[str, Any], context: StepContext) -> ObjectType | None:
    """The type of the others a document names; None when it names none."""
    slug = document.get("object")
    found = linkable(context.object_type).get(slug) if isinstance(slug, str) else None
    return found.to if found else None
