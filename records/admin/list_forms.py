"""The forms of lists: which kind, and what a static or an active one is."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.clock import database_now
from records.criteria import compile
from records.criteria.widget import CriteriaField
from records.lists import keeping
from records.models import RecordList
from records.models.list import SLUG, SLUG_LENGTH
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.seeing import hidden_in, may_see
from records.time_zones import time_zones


class KindForm(forms.Form):
    """What kind of list, of which records."""

    object_type = forms.ChoiceField(label=gettext_lazy("Records"))
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        widget=forms.RadioSelect,
        initial=RecordList.Kind.ACTIVE,
        choices=[
            (
                RecordList.Kind.ACTIVE,
                gettext_lazy("Active: criteria say who is in it, at any time"),
            ),
            (RecordList.Kind.STATIC, gettext_lazy("Static: who is added stays until somebody removes them")),
        ],
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["object_type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (one.slug, capfirst(str(one.label_plural))) for one in object_types.values() if may_see(user, one)
        ]


class StaticForm(forms.Form):
    """Name, internal name and description."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    slug = forms.CharField(
        label=gettext_lazy("Internal name"),
        max_length=SLUG_LENGTH,
        required=False,
        validators=[SLUG],
        help_text=gettext_lazy("Left empty it is made from the name. Criteria name the list by it; it cannot change."),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(
        self, *args: Any, user: Any, object_type: ObjectType, found: RecordList | None = None, **kwargs: Any
    ) -> None:
        if found is not None:
            kwargs["initial"] = self.initial_of(found)
        super().__init__(*args, **kwargs)
        self.user, self.object_type, self.found = user, object_type, found
        if found is not None:
            del self.fields["slug"]

    def initial_of(self, found: RecordList) -> dict[str, Any]:
        return {"name": found.name, "description": found.description}

    def facts(self) -> dict[str, Any]:
        """What keeping takes."""
        return {"description": self.cleaned_data["description"]}

    def sentence(self, found: RecordList) -> str:
        """Who is in the list, in words; "" where there is nothing to tell."""
        return ""

    def create(self, *, by: Any, now: dt.datetime) -> RecordList | None:
        """The new list; None, with the problems beside their fields, when it cannot be made."""
        try:
            return keeping.create(
                self.object_type, self.cleaned_data["name"], now=now, slug=self.cleaned_data["slug"], by=by,
                **self.facts(),
            )  # fmt: skip
        except DocumentError as error:
            self.refuse(error)
            return None

    def change(self, found: RecordList, *, now: dt.datetime) -> RecordList | None:
        try:
            return keeping.change(found, now=now, name=self.cleaned_data["name"], **self.facts())
        except DocumentError as error:
            self.refuse(error)
            return None

    def refuse(self, error: DocumentError) -> None:
        for problem in error.problems:
            place = problem.path.partition(".")[0]
            self.add_error(place if place in self.fields else None, str(problem.message))


class ActiveForm(StaticForm):
    """What a static list has, and criteria."""

    criteria = CriteriaField(label=gettext_lazy("Who is in the list"))
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=[(zone, zone) for zone in sorted(time_zones())],
        initial="UTC",
        help_text=gettext_lazy("In which days begin and end, where the criteria count days."),
    )

    def __init__(self, *args: Any, object_type: ObjectType, found: RecordList | None = None, **kwargs: Any) -> None:
        super().__init__(*args, object_type=object_type, found=found, **kwargs)
        field = self.fields["criteria"]
        assert isinstance(field, CriteriaField)
        field.aim(object_type, found.segment.time_zone if found else "UTC")

    def clean(self) -> dict[str, Any]:
        """Who is in the list would tell of what its criteria look at: only of what one may see.

        What is left as it was tells nothing new, so that a list of others can be renamed.
        """
        cleaned = super().clean() or self.cleaned_data
        criteria, zone = cleaned.get("criteria"), cleaned.get("time_zone")
        segment = self.found.segment if self.found else None
        if not (criteria and zone) or (segment and (segment.criteria, segment.time_zone) == (criteria, zone)):
            return cleaned
        try:
            compiled = compile(criteria, self.object_type, now=database_now(), zone=zone)
        except DocumentError as error:
            raise forms.ValidationError({"criteria": [str(problem.message) for problem in error.problems]}) from None
        if hidden := hidden_in(self.user, compiled):
            message = _("The criteria look at %(what)s, which you may not see. Leave that out.")
            self.add_error("criteria", message % {"what": hidden})
        return cleaned

    def initial_of(self, found: RecordList) -> dict[str, Any]:
        more = {"criteria": found.segment.criteria, "time_zone": found.segment.time_zone}
        return super().initial_of(found) | more

    def facts(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return super().facts() | {"criteria": cleaned["criteria"], "zone": cleaned["time_zone"]}

    def sentence(self, found: RecordList) -> str:
        try:
            compiled = compile(found.segment.criteria, self.object_type, now=database_now(), stored=True)
        except DocumentError:
            return _("The criteria cannot be read any more. Build them anew.")
        return compiled.text
