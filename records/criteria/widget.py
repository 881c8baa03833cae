"""The criteria builder as a form field: JSON in, JSON out, drawn by records/static/records/criteria.js."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from records.criteria.parsing import parse
from records.object_types import ObjectType
from records.problems import DocumentError, Problem


class CriteriaWidget(forms.Widget):
    """The builder for one object type. `problems` (paths inside the document) are shown at their filters."""

    template_name = "records/criteria/builder.html"
    object_type: ObjectType | None = None
    zone = "UTC"

    class Media:
        css = {"all": ("records/criteria.css",)}
        js = (forms.widgets.Script("records/criteria.js", type="module"),)

    def __init__(
        self,
        object_type: ObjectType | None = None,
        *,
        problems: Iterable[Problem] = (),
        zone: str = "UTC",
        attrs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(attrs)
        self.object_type, self.problems, self.zone = object_type, tuple(problems), zone

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return data.get(name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data

    def format_value(self, value: Any) -> str:
        if value in (None, ""):
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        if self.object_type is None:
            raise ValueError("The criteria builder needs an object type: CriteriaField(object_type=…).")
        context["widget"] |= {
            "zone": self.zone,
            "object_type": self.object_type.slug,
            # One address with a place for the type: builders follow associations to other types.
            "catalog_url": reverse("records:criteria-catalog", args=["TYPE"]),
            "count_url": reverse("records:criteria-count", args=[self.object_type.slug]),
            "problems": json.dumps([problem.as_json() for problem in self.problems]),
        }
        return context

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        # Django's own form renderer does not look into the project's templates.
        return render_to_string(self.template_name, self.get_context(name, value, attrs))


class CriteriaField(forms.Field):
    """Criteria about records of an object type; the value is the JSON document, None when there is none.

    `use_context` takes the object type from where a step stands. After cleaning, `problems` holds each fault with
    its path inside the document, and the widget shows it at its filter.
    """

    widget = CriteriaWidget

    def __init__(self, *, object_type: ObjectType | None = None, zone: str = "UTC", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.problems: list[Problem] = []
        self.aim(object_type, zone)

    def aim(self, object_type: ObjectType | None, zone: str = "UTC") -> None:
        """Set the object type and time zone the criteria are about."""
        self.object_type = object_type
        self.widget.object_type, self.widget.zone = object_type, zone

    def use_context(self, context: Any) -> None:
        self.aim(context.object_type)

    def sent(self, data: Any, name: str) -> Any:
        """The document in what a page sent, unchecked."""
        widget: Any = self.widget
        return self.to_json(widget.value_from_datadict(data, {}, name))

    def to_python(self, value: Any) -> Any:
        if value in (None, "", {}):
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValidationError(_("The criteria are not valid JSON. Build them anew."), code="invalid") from None

    def validate(self, value: Any) -> None:
        super().validate(value)
        self.problems = []
        if value is not None and self.object_type is not None:
            try:
                parse(value, self.object_type)
            except DocumentError as error:
                self.problems = error.problems
        self.widget.problems = tuple(self.problems)
        if self.problems:
            raise ValidationError([ValidationError(problem.message, code=problem.code) for problem in self.problems])

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True

    def to_json(self, value: Any) -> Any:
        """The document to store; what is broken is kept as it was sent."""
        try:
            return self.to_python(value)
        except ValidationError:
            return value

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "x-criteria": self.object_type.slug if self.object_type else True}
