"""Create record: a new record of any type, with properties and associations (CRM-10 to CRM-12, ACG-14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.associations import associate_new, associations_of
from records.object_types import ObjectType, object_types
from records.problems import Problem
from records.properties import Property
from records.saving import Row
from records.saving.batch import SIZE, save_some
from records.vocabulary import ListedIn
from workflows.actions.base import Action
from workflows.data_sources.copied import copied
from workflows.enrollment.loops import without_made_here
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms import copied_value, inactive_users, targets
from workflows.step_forms.forms import ChoiceField, FlagField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.properties_field import PropertiesField
from workflows.step_forms.relative_time import value_for
from workflows.step_forms.sources import own_slug
from workflows.step_forms.targets import properties_for
from workflows.texts import tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

NAME_LIMIT = 200


@actions.register
class CreateRecord(Action):
    slug = "create_record"
    label = gettext_lazy("Create record")
    description = gettext_lazy("Make a new record, with values from the enrolled one.")
    group = gettext_lazy("Records")
    icon = "plus"
    creates = True

    class Params(ParamsForm):
        object = ChoiceField(label=gettext_lazy("Type of record"), choices=[])
        properties = PropertiesField(
            label=gettext_lazy("Properties"),
            required=False,
            help_text=gettext_lazy("Texts may hold tokens of the enrolled record."),
        )
        associate = FlagField(label=gettext_lazy("Associate it with the enrolled record"))
        copy_associations = FlagField(
            label=gettext_lazy("Associate it also with what the enrolled record is associated with")
        )

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            choices, properties = self.fields["object"], self.fields["properties"]
            assert isinstance(choices, ChoiceField) and isinstance(properties, PropertiesField)
            choices.choices = [
                ("", "—"), *((slug, capfirst(str(kind.label))) for slug, kind in object_types.items())
            ]  # fmt: skip
            choices.widget.attrs["data-refresh"] = "panel"
            properties.offer(type_of({"object": self.raw("object")}), self)

        def clean_associate(self) -> bool:
            associate, kind = bool(self.cleaned_data["associate"]), type_of(self.cleaned_data)
            own = self.context.object_type
            if associate and kind is not None and kind.slug not in associations_of(own):
                message = _("%(others)s cannot be associated with %(records)s. Leave “associate” out.")
                self.add_error("associate", message % {"others": kind.label_plural, "records": own.label_plural})
            return associate

        def problems(self) -> list[Problem]:
            """Those of the properties each at its own place."""
            found = super().problems()
            faults = getattr(self.fields["properties"], "faults", [])
            own = [Problem(f"properties.{slug}", message, value) for slug, message, value in faults]
            return [problem for problem in found if not own or problem.path != "properties"] + own

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        found, kind, values = super().problems(document, context), type_of(document), document.get("properties")
        if kind is not None and isinstance(values, dict):
            known = properties_for(kind, context)
            found += inactive_users.problems((f"properties.{slug}", known.get(slug), values[slug]) for slug in values)
        return [*found, *(not_allowed(context.user, "add", kind, "object") if kind else ())]

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        kind = type_of(document)
        if kind is None:
            return _("Choose the type of record to create")
        values = document.get("properties")
        name = values.get(kind.name_property) if isinstance(values, dict) else None
        if not isinstance(name, str) or not name:
            return _("Create a %(type)s") % {"type": kind.label}
        return _("Create a %(type)s “%(name)s”") % {"type": kind.label, "name": name[:NAME_LIMIT]}

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        values = document.get("properties")
        listed = list(values.values()) if isinstance(values, dict) else []
        own = (own_slug(value[copied_value.KEY]) for value in listed if copied_value.is_copy(value))
        found = {f"{context.object_type.slug}.{slug}" for slug in own if slug}
        return found.union(*(tokens.reads(text, context.object_type) for text in listed))

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        kind, values = type_of(document), document.get("properties")
        return {f"{kind.slug}.{slug}" for slug in values} if kind and isinstance(values, dict) else set()

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"record": Property("record", gettext_lazy("Id of the created record"), "number")}

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        """Not where a value is one of options that a plain function makes up."""
        kind, values = type_of(document), document.get("properties")
        if kind is None or not isinstance(values, dict):
            return False
        known = properties_for(kind, context)
        sources = [known[slug].options_source for slug in values if slug in known]
        return all(not callable(source) or isinstance(source, ListedIn) for source in sources)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """One INSERT for all records, one for their associations; who cannot have one fails alone."""
        part = without_made_here(batch)
        kind = object_types[params["object"]]
        values = values_of(part, kind, params["properties"])
        able = [one for one in part.enrollments if one.record_id in values]
        rows = [Row(values[one.record_id]) for one in able]
        saved = [
            one for start in range(0, len(rows), SIZE) for one in save_some(kind, rows[start : start + SIZE], None)
        ]
        pairs = []
        for enrollment, row, one in zip(able, rows, saved, strict=True):
            if one.id is None:
                error = " ".join(str(problem.message) for problem in one.problems)
                part.fail(enrollment, "not_created", error=error[:500])
                continue
            pairs.append((enrollment.record_id, one.id))
            name = str(row.properties.get(kind.name_property) or "")[:NAME_LIMIT]
            part.note(enrollment, object=kind.slug, record=one.id, name=name)
            part.output(enrollment, record=one.id)
        if params["associate"]:
            associate_new(batch.object_type, kind, pairs)
        if params["copy_associations"]:
            cut = copy_associations(batch.object_type, kind, pairs)
            for enrollment in part.enrollments:
                if enrollment.record_id in cut:
                    part.note(enrollment, copied=targets.LIMIT, cut=cut[enrollment.record_id])
        if part is not batch:
            batch.absorb(part)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        kind = object_types.get(str(detail.get("object", "")))
        label = kind.label if kind else _("record")
        name = str(detail.get("name") or f"#{detail.get('record', '?')}")
        done = format_html(_("Created the {type} {name}"), type=label, name=linked(kind, detail.get("record"), name))
        return with_cut(done, detail)


def type_of(document: dict[str, Any]) -> ObjectType | None:
    """The type of record a document creates; None when it names none that is known."""
    slug = document.get("object")
    return object_types.get(slug) if isinstance(slug, str) else None


def values_of(batch: Batch, kind: ObjectType, params: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The values of the new records by the enrolled record's id, with what is copied and their tokens filled in.

    Those for whom a value cannot be copied are answered as failed, and left out.
    """
    known = properties_for(kind, batch.context)
    columns: dict[str, Any] = {}
    for slug, value in params.items():
        prop = known[slug]
        if copied_value.is_copy(value):
            # Users stay ids: their names would be looked up one by one.
            plain = prop.type == "user"
            found = copied(batch, value[copied_value.KEY], prop, blank=True)
            columns[slug] = {pk: one if plain else prop.as_json(one) for pk, one in found.items()}
        elif isinstance(value, dict):
            moment = value_for(prop, value, batch.now, batch.definition.settings)
            columns[slug] = dict.fromkeys(batch.ids, prop.as_json(moment))
        elif tokens.has_tokens(value):
            columns[slug] = batch.render(value, "text" if prop.kind.textual and not prop.options else "value")
    return {
        pk: {slug: columns[slug][pk] if slug in columns else value for slug, value in params.items()}
        for pk in batch.ids
        if all(pk in column for column in columns.values())
    }


def copy_associations(own: ObjectType, kind: ObjectType, pairs: list[tuple[int, int]]) -> dict[int, list[str]]:
    """Associate the new records with those of other types that the enrolled ones are associated with (CRM-12).

    Of each type so many for each record as steps work on; returns the types of which there were more, by the id of
    the enrolled record. One statement for each association both types have, one more where there is something to copy.
    """
    cut: dict[int, list[str]] = {}
    theirs = {one.to.slug for one in associations_of(kind).values() if one.relation is None} - {kind.slug}
    for association in associations_of(own).values():
        if association.relation is None and association.to.slug in theirs:
            found = targets.linked(own, association, [pk for pk, _new in pairs], None)
            new = [(other, made) for pk, made in pairs for other in sorted(found.get(pk, ()))[: targets.LIMIT]]
            associate_new(association.to, kind, new)
            for pk, others in found.items():
                if len(others) > targets.LIMIT:
                    cut.setdefault(pk, []).append(association.to.slug)
    return cut


def with_cut(sentence: SafeString, detail: dict[str, Any]) -> SafeString:
    """A step's sentence, and of which records more were there than it has associated."""
    cut, limit = detail.get("cut"), detail.get("copied")
    if not isinstance(cut, list) or not cut or not isinstance(limit, int):
        return sentence
    known = (object_types.get(str(slug)) for slug in cut)
    records = ", ".join(str(kind.label_plural) if kind else str(slug) for kind, slug in zip(known, cut, strict=True))
    message = _("{done} – of the {records} only the first {limit} were associated with it, as there are more")
    return format_html(message, done=sentence, records=records, limit=limit)


def linked(kind: ObjectType | None, pk: Any, name: str) -> SafeString:
    """The name as a link to the record's page, which says itself when the record is gone or not to be seen.

    Only the name where there is no such page. Nothing is asked for: a history has many such lines.
    """
    if kind is None or not isinstance(pk, int):
        return format_html("{}", name)
    meta = kind.model._meta
    try:
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return format_html("{}", name)
    return format_html('<a href="{}">{}</a>', url, name)
