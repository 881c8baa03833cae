"""Edit record: set a property, add to it, copy it, set it to a moment, or clear it (CRM-01 to CRM-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.object_types import object_types
from records.problems import Problem
from records.properties import Property
from records.vocabulary import ListedIn
from workflows.actions.base import Action
from workflows.data_sources.copied import cleaned, copied
from workflows.engine.writing import current_values, locked_values, set_for_all, write
from workflows.registries import actions
from workflows.step_forms import copying, inactive_users
from workflows.step_forms.edit_form import EditForm, described, property_of, shown
from workflows.step_forms.params import StepContext
from workflows.step_forms.relative_time import value_for
from workflows.step_forms.sources import own_slug
from workflows.step_forms.targets import properties_for, subject_of, targets_of
from workflows.texts import tokens

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing


@actions.register
class EditRecord(Action):
    slug = "edit_record"
    label = gettext_lazy("Edit record")
    description = gettext_lazy("Set, copy or clear a property of the record, or of associated ones.")
    group = gettext_lazy("Records")
    icon = "pencil"

    class Params(EditForm):
        pass

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        chosen = [("value", property_of(document, context), document.get("value"))]
        return super().problems(document, context) + inactive_users.problems(chosen)

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        return described(document, context)

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slug = own_slug(document.get("copy_from"))
        found = {f"{context.object_type.slug}.{slug}"} if slug else set()
        return found | tokens.reads(document.get("value"), context.object_type)

    def needs(self, document: dict[str, Any], context: StepContext) -> dict[str, str]:
        slug = own_slug(document.get("copy_from"))
        return {"copy_from": slug} if slug else {}

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slug = document.get("property")
        return {f"{subject_of(document, context).slug}.{slug}"} if slug else set()

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        """Not where the value is one of options that a plain function makes up."""
        prop = property_of(document, context)
        return prop is not None and (not callable(prop.options_source) or isinstance(prop.options_source, ListedIn))

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        if params["of"]:
            self.edit_associated(batch, params)
            return
        prop = batch.properties[params["property"]]
        own = params["copy_from"] or params["append"] or tokens.has_tokens(params["value"])
        alike = bool(params["clear"]) or not own
        value = None if params["clear"] else fixed(batch, params, prop)
        changed = set_for_all(batch, prop, value) if alike else None
        if changed is not None:
            self.tell_alike(batch, prop, value, changed)
            return
        before = current_values(batch, prop)
        wanted = self.wanted(batch, params, prop)
        if params["append"]:
            wanted = {pk: copying.together(before.get(pk), value) for pk, value in wanted.items()}
        changes = {pk: {prop.slug: value} for pk, value in wanted.items() if value != before.get(pk)}
        write(batch.object_type, changes, {prop.slug: prop})
        for enrollment in batch.enrollments:
            pk = enrollment.record_id
            if pk in changes:
                batch.note(enrollment, **facts_of(prop, before[pk], wanted[pk]))
            elif pk in wanted:
                batch.skip(enrollment, "unchanged")
            batch.note(enrollment, property=prop.slug)

    def edit_associated(self, batch: Batch, params: dict[str, Any]) -> None:
        """One enrollment after the other as far as records are shared, yet written in one statement."""
        targets = targets_of(batch, params)
        prop = properties_for(targets.object_type, batch.context)[params["property"]]
        part = batch.part([one for one in batch.enrollments if targets.of(one)])
        before = locked_values(targets.object_type, targets.ids, prop)
        wanted = self.wanted(part, params, prop)
        values, changes = dict(before), {}
        for enrollment in part.enrollments:
            pk = enrollment.record_id
            if pk not in wanted:
                continue
            new = {one: wanted[pk] for one in targets.of(enrollment) if one in before}
            if params["append"]:
                new = {one: copying.together(values[one], value) for one, value in new.items()}
            others = [one for one, value in new.items() if values[one] != value]
            for one in others:
                values[one], changes[one] = new[one], {prop.slug: new[one]}
            if not others:
                part.skip(enrollment, "unchanged")
            single = len(others) == 1
            told = facts_of(prop, before[others[0]] if single else None, new[others[0]] if single else wanted[pk])
            part.note(enrollment, property=prop.slug, of=targets.object_type.slug, records=len(others), **told)
        write(targets.object_type, changes, {prop.slug: prop})
        batch.absorb(part)

    def tell_alike(self, batch: Batch, prop: Property, value: Any, changed: dict[int, Any]) -> None:
        """Answer for records that all got one value: together for those that had the same one before."""
        groups: dict[Any, list[Standing]] = {}
        same = []
        for enrollment in batch.enrollments:
            if enrollment.record_id in changed:
                groups.setdefault(changed[enrollment.record_id], []).append(enrollment)
            else:
                same.append(enrollment)
        for before, enrollments in groups.items():
            batch.done(enrollments, property=prop.slug, **facts_of(prop, before, value))
        batch.skip(same, "unchanged", property=prop.slug)

    def wanted(self, batch: Batch, params: dict[str, Any], prop: Property) -> dict[int, Any]:
        """The new value by record id; records whose value does not fit are answered as failed and left out."""
        if params["clear"]:
            return dict.fromkeys(batch.ids)
        if params["copy_from"]:
            return copied(batch, params["copy_from"], prop)
        if tokens.has_tokens(params["value"]):
            target = "text" if prop.kind.textual and not prop.options else "value"
            return cleaned(batch, prop, batch.render(params["value"], target), prop.clean)
        return dict.fromkeys(batch.ids, fixed(batch, params, prop))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        slug = str(detail.get("property", ""))
        other = object_types.get(str(detail.get("of", "")))
        prop = (properties_for(other, context) if other else context.properties).get(slug)
        label = prop.label if prop else slug
        if other is not None:
            facts = {"property": label, "records": other.label_plural}
            label = _("%(property)s of the associated %(records)s") % facts
        before, after = (shown(detail.get(key), prop) for key in ("before", "after"))
        if not after and not before:
            return format_html(_("Cleared {property}"), property=label)
        if not after:
            return format_html(_("Cleared {property} (it was “{before}”)"), property=label, before=before)
        if not before:
            return format_html(_("Set {property} to “{after}”"), property=label, after=after)
        return format_html(
            _("Changed {property} from “{before}” to “{after}”"), property=label, before=before, after=after
        )


def fixed(batch: Batch, params: dict[str, Any], prop: Property) -> Any:
    """The value that is the same for every record."""
    if params["moment"]:
        return value_for(prop, params["moment"], batch.now, batch.definition.settings)
    return params["value"]


def facts_of(prop: Property, before: Any, after: Any) -> dict[str, Any]:
    """Users are kept by id in the log: their names are looked up when the story is told."""
    plain = prop.type == "user"
    return {"before": before if plain else prop.as_json(before), "after": after if plain else prop.as_json(after)}
