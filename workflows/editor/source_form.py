"""The form by which a data source is added or changed (DAT-05 to DAT-13): it follows what was chosen before."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.equal_values import comparable
from records.models import Access
from records.object_types import ObjectType, object_types
from records.properties import Property
from records.property_access.rights import rights_of
from records.seeing import may_see
from workflows.data_sources.checking import matchable, source_problems
from workflows.data_sources.declared import ASSOCIATION, CONDITIONS, EQUALS, LAST_UPDATED, MATCH, NAME_LIMIT, read
from workflows.data_sources.known import KnownSource
from workflows.data_sources.words import PICK_LABELS
from workflows.definitions.definition import Definition
from workflows.drafting.data_sources import id_for
from workflows.step_forms.params import StepContext

KEYS = ("name", "object", "condition", "label", "property", "same_as", "value", "pick")
REDRAWS = {"data-redraw": "true"}


class SourceForm(forms.Form):
    """What publishing would refuse is refused here, at the field it is about."""

    name = forms.CharField(label=gettext_lazy("Name of the data source"), max_length=NAME_LIMIT, required=False)
    object = forms.ChoiceField(
        label=gettext_lazy("Type of record"), required=False, widget=forms.Select(attrs=REDRAWS)
    )
    condition = forms.ChoiceField(
        label=gettext_lazy("Which records"), required=False, widget=forms.Select(attrs=REDRAWS)
    )
    label = forms.CharField(
        label=gettext_lazy("Only those linked with this label"), required=False, max_length=60,
        help_text=gettext_lazy("Leave it out for all links."),
    )  # fmt: skip
    property = forms.ChoiceField(
        label=gettext_lazy("Their property"), required=False, widget=forms.Select(attrs=REDRAWS)
    )
    same_as = forms.ChoiceField(label=gettext_lazy("has the same value as the enrolled record’s"), required=False)
    value = forms.CharField(label=gettext_lazy("has the value"), required=False, max_length=500)
    pick = forms.ChoiceField(
        label=gettext_lazy("If there are several, take the"), required=False, choices=list(PICK_LABELS.items()),
        initial=LAST_UPDATED,
    )  # fmt: skip

    def __init__(self, data: Any, definition: Definition, user: Any, *, editing: str = "") -> None:
        """`editing` is the id of the source that is changed; "" for one that is added."""
        super().__init__(data, auto_id="source_%s")
        self.editing = editing
        self.definition, self.user = definition, user
        self.context = StepContext(definition, None, user)
        self.kind = self.kind_chosen()
        self.choices("object", [(one.slug, capfirst(str(one.label))) for one in self.kinds()])
        self.choices("condition", self.conditions())
        condition = self.sent("condition")
        wanted = {ASSOCIATION: {"label"}, MATCH: {"property", "same_as"}, EQUALS: {"property", "value"}}
        spare = set().union(*wanted.values()) - (wanted.get(condition, set()) if self.kind else set())
        if self.kind is not None and condition in (MATCH, EQUALS):
            self.offer_properties(self.kind)
        for name in spare:
            del self.fields[name]

    def sent(self, name: str) -> str:
        return str(self.data.get(name) or "").strip()

    def kind_chosen(self) -> ObjectType | None:
        found = object_types.get(self.sent("object"))
        return found if found is not None and may_see(self.user, found) else None

    def kinds(self) -> list[ObjectType]:
        """The types a person may view records of."""
        return [kind for kind in object_types.values() if may_see(self.user, kind)]

    def choices(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "—"), *choices]

    def conditions(self) -> list[tuple[str, Any]]:
        own = self.context.object_type
        labels = {
            ASSOCIATION: _("Associated with the enrolled %(type)s") % {"type": own.label},
            MATCH: _("With the same value in a property"),
            EQUALS: _("With a certain value in a property"),
        }
        source = read({"id": "x", "object": self.kind.slug}) if self.kind else None
        linked = source is None or source.association(own) is not None
        return [(one, labels[one]) for one in CONDITIONS if linked or one != ASSOCIATION]

    def offer_properties(self, kind: ObjectType) -> None:
        known = KnownSource(read({"id": "x", "object": kind.slug}), kind, self.context)
        theirs = {slug: prop for slug, prop in known.properties.items() if matchable(prop)}
        self.choices("property", self.visible(kind, theirs))
        chosen = theirs.get(self.sent("property"))
        mine = self.context.properties
        fit = {
            slug: prop for slug, prop in mine.items() if matchable(prop) and (not chosen or comparable(prop, chosen))
        }
        self.choices("same_as", self.visible(self.context.object_type, fit))
        if chosen is not None and chosen.options and not chosen.open:
            options = [("", "—"), *((option.value, str(option.label)) for option in chosen.options)]
            self.fields["value"] = forms.ChoiceField(label=self.fields["value"].label, required=False, choices=options)

    def visible(self, kind: ObjectType, properties: dict[str, Property]) -> list[tuple[str, str]]:
        hidden = set(rights_of(self.user).below({f"{kind.slug}.{slug}" for slug in properties}, Access.VIEW))
        return [(slug, str(prop.label)) for slug, prop in properties.items() if f"{kind.slug}.{slug}" not in hidden]

    def document(self) -> dict[str, Any]:
        """The source as definitions have it, also while it is not finished."""
        sent = {key: self.sent(key) for key in KEYS if key in self.fields}
        return {
            "id": self.editing or id_for(sent["name"], self.definition),
            **{key: text for key, text in sent.items() if text},
        }

    def clean(self) -> dict[str, Any]:
        """What publishing would say of the source, at its fields; a name that is taken, too."""
        cleaned = super().clean() or {}
        source = read(self.document())
        for problem in source_problems(source, self.context):
            place = problem.path if problem.path in self.fields else None
            if place not in self.errors:
                self.add_error(place, problem.message)
        if source.name in {one.name for one in self.context.sources.values() if one.id != self.editing}:
            message = _("There is a data source “%(name)s” already. Choose another name.")
            self.add_error("name", message % {"name": source.name})
        return cleaned
