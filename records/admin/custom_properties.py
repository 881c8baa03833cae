"""Custom properties: typed, options one per line, and a clear word before one is deleted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.defining import define, removal_of, remove, slug_for
from records.models import PropertyDefinition
from records.object_types import object_types
from records.problems import DocumentError


class OptionsField(forms.CharField):
    """Options, one per line; "value: label" where what is stored differs from what is read."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(o["label"] if o["value"] == o["label"] else f"{o['value']}: {o['label']}" for o in value)

    def clean(self, value: Any) -> list[dict[str, str]]:
        options: dict[str, dict[str, str]] = {}
        for line in (super().clean(value) or "").splitlines():
            stored, colon, label = (part.strip() for part in line.partition(": "))
            if not stored:
                continue
            if stored in options:
                raise forms.ValidationError(_("“%(value)s” is there twice. Remove one.") % {"value": stored})
            options[stored] = {"value": stored, "label": label if colon and label else stored}
        return list(options.values())

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial) != (data or "").replace("\r\n", "\n")


class DefinitionForm(forms.ModelForm):
    """A custom property; its internal name and type are fixed once it exists."""

    object_type = forms.ChoiceField(label=gettext_lazy("Object type"))
    options = OptionsField(
        label=gettext_lazy("Options"),
        required=False,
        help_text=gettext_lazy(
            "For select properties: one per line. “value: label” stores another text than it shows."
        ),
    )

    class Meta:
        model = PropertyDefinition
        fields = ("object_type", "label", "slug", "type", "options", "description", "required", "unique", "sensitive")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = self.fields.get("object_type")
        if isinstance(kinds, forms.ChoiceField):
            kinds.choices = [(one.slug, one.label_plural) for one in object_types.values() if one.has_custom]
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = _("Left empty it is made from the label. It cannot be changed later.")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        kind = values.get("type") or self.instance.type
        if not values.get("slug") and not self.instance.pk and values.get("label"):
            values["slug"] = slug_for(values["label"])
        if kind in ("select", "multi_select") and not values.get("options"):
            self.add_error("options", _("A select property needs options. Write one per line."))
        if values.get("unique") and kind in ("multi_select", "boolean", "multi_line"):
            self.add_error("unique", _("Properties of this type cannot be unique."))
        return values

    def full_clean(self) -> None:
        super().full_clean()
        if not self.is_bound or self.errors:
            return
        try:
            self.definition_problems()
        except DocumentError as error:
            for problem in error.problems:
                self.add_error(problem.path if problem.path in self.fields else None, str(problem.message))

    def definition_problems(self) -> None:
        """Try the definition and take it back, so that what is wrong is said beside its field."""
        with transaction.atomic():
            known = self.instance.pk
            define(self.instance)
            transaction.set_rollback(True)
        if known is None:
            self.instance.pk, self.instance._state.adding = None, True


@admin.register(PropertyDefinition)
class PropertyDefinitionAdmin(admin.ModelAdmin):
    form = DefinitionForm
    list_display = ("label", "shown_object_type", "slug", "type", "unique", "required", "sensitive")
    list_filter = ("object_type", "type")
    search_fields = ("label", "slug")
    delete_confirmation_template = "admin/records/propertydefinition/delete.html"

    @admin.display(description=gettext_lazy("object type"), ordering="object_type")
    def shown_object_type(self, definition: PropertyDefinition) -> str:
        found = object_types.get(definition.object_type)
        return str(found.label_plural) if found else definition.object_type

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("shown_object_type", "slug", "type") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = list(DefinitionForm.Meta.fields)
        return ["shown_object_type", *fields[1:]] if obj else fields

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        define(obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say what would be lost, then delete the property and its values."""
        definition = self.get_object(request, unquote(object_id))
        if definition is None or not self.has_delete_permission(request, definition):
            raise PermissionDenied
        if request.method == "POST":
            try:
                remove(definition, actor=request.user)
            except DocumentError as error:
                for problem in error.problems:
                    messages.error(request, str(problem.message))
                return redirect("admin:records_propertydefinition_change", definition.pk)
            messages.success(request, _("The property “%(label)s” was deleted.") % {"label": definition.label})
            return redirect("admin:records_propertydefinition_changelist")
        removal = removal_of(definition, request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Delete the property “%(label)s”?") % {"label": definition.label},
            "sentences": removal.sentences(definition),
            "possible": removal.possible,
            "object": definition,
            "opts": self.opts,
        }
        return TemplateResponse(request, self.delete_confirmation_template, context)
