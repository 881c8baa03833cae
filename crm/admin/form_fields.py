"""The fields and consents of a form, as the builder edits them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.forms.asking import EMAIL, TYPES, askable, grouped_choices, not_to_ask
from crm.models import FormConsent, FormField, SubscriptionType
from crm.record_links import may
from records.object_types import object_types
from records.properties import Property
from records.property_access.rights import reason, refusal
from workflows.step_forms.greyed_field import GreyingSelect


class LinesField(forms.CharField):
    """A list of texts, one per line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = (line.strip() for line in (super().clean(value) or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial or []) != (data or "").replace("\r\n", "\n")


class FieldForm(forms.ModelForm):
    """One field; a new one counts once its property is chosen.

    Visitors change what a form asks, and its hidden fields do: so nobody adds a property they may not edit, nor
    changes a field that others have made of one (PRM-05, PRM-06). They may move or remove it.
    """

    property = forms.ChoiceField(label=gettext_lazy("Property"), widget=GreyingSelect())
    options = LinesField(
        label=gettext_lazy("Options"), required=False,
        help_text=gettext_lazy("One per line. For selects only these are offered, for texts they make a select."),
    )  # fmt: skip

    class Meta:
        model = FormField
        fields = ("property", "label", "help", "required", "hidden", "value", "options", "position")
        help_texts = {
            "label": gettext_lazy("The property’s own if left empty."),
            "hidden": gettext_lazy("Visitors do not see it: the form sets the value below."),
            "value": gettext_lazy("What a hidden field sets; what the others begin with."),
            "required": gettext_lazy("Nobody can send the form without it."),
        }

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fixed = not_to_ask(user)
        chosen = self.fields.get("property")
        if isinstance(chosen, forms.ChoiceField) and isinstance(chosen.widget, GreyingSelect):
            chosen.choices = [("", "—"), *grouped_choices()]
            chosen.widget.unavailable = {name: reason(level) for name, level in self.fixed.items()}
        if self.instance.pk and self.instance.property in self.fixed:
            for name, field in self.fields.items():
                field.disabled = name != "position"
            if chosen is not None:
                chosen.help_text = capfirst(reason(self.fixed[self.instance.property]))

    def has_changed(self) -> bool:
        return super().has_changed() if self.instance.pk else bool(self["property"].value())

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        name = values.get("property") or ""
        prop = askable().get(name)
        if prop is not None and name in self.fixed and name != self.instance_property():
            self.add_error("property", refusal(prop.label, self.fixed[name]))
        if prop is not None and not self.errors:
            self.check_value(prop, values)
        return values

    def instance_property(self) -> str:
        """What the field was about before; "" for a new one."""
        return str(self.initial.get("property") or "") if self.instance.pk else ""

    def check_value(self, prop: Property, values: dict[str, Any]) -> None:
        """A value has to be one of the property's; what nobody sees has to have one."""
        hidden, value, options = values["hidden"], values["value"], values["options"]
        if hidden and not value:
            self.add_error("value", _("Visitors do not see this field, so it needs a value. Fill it in."))
        if hidden and values["required"]:
            self.add_error("required", _("Visitors do not see this field. Untick one of the two."))
        if prop.type == "user" and not hidden:
            self.add_error("hidden", _("Visitors do not learn who the users are. Tick “hidden” and give a username."))
        if hidden and values["property"] == EMAIL:
            self.add_error("hidden", _("The email address says who fills in the form, so it has to be asked."))
        known = {one.value for one in prop.options} | {str(one.label) for one in prop.options}
        strange = [one for one in options if one not in known] if "select" in prop.kind.family else []
        if strange:
            message = _("“%(value)s” is not an option of %(property)s. Use its options, or leave this empty.")
            self.add_error("options", message % {"value": strange[0], "property": prop.label})
        if value:
            try:
                prop.clean(value)
            except ValueError as error:
                self.add_error("value", str(error))


class FieldFormSet(BaseInlineFormSet):
    """All fields of a form: who fills it in has to say who they are."""

    user: Any = None

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "user": self.user}

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        chosen = {
            form.cleaned_data["property"]
            for form in self.forms
            if form.cleaned_data.get("property") and not form.cleaned_data.get("DELETE")
        }
        if EMAIL not in chosen:
            raise ValidationError(_("Add the contact’s email address: it says who fills in the form."))
        asks_company = any(name.startswith("company.") for name in chosen)
        if asks_company and not chosen & {"company.name", "company.domain"}:
            raise ValidationError(_("Add the company’s name or domain, so that the company can be found."))
        for kind in TYPES:
            writes = any(name.startswith(f"{kind}.") for name in chosen)
            if writes and not all(may(self.user, verb, object_types[kind]) for verb in ("add", "change")):
                message = _("You may not add and change %(records)s, so your forms cannot either.")
                raise ValidationError(message % {"records": object_types[kind].label_plural})


class PartInline(admin.StackedInline):
    """A part of a form: whoever may change the form may change its parts."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("crm.view_form") or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("crm.change_form") or request.user.has_perm("crm.add_form")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


class FieldInline(PartInline):
    model = FormField
    form = FieldForm
    formset = FieldFormSet
    fieldsets = (
        (None, {"fields": (("property", "label"), ("required", "hidden"))}),
        (
            gettext_lazy("Help, value, options"),
            {"fields": (("help", "value"), "options", "position"), "classes": ("collapse",)},
        ),
    )

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return type("FieldFormSet", (super().get_formset(request, obj, **kwargs),), {"user": request.user})

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else len(FIRST_FIELDS)


#: What a new form asks unless one wants something else.
FIRST_FIELDS: tuple[dict[str, Any], ...] = (
    {"property": EMAIL, "required": True, "position": 0},
    {"property": "contact.first_name", "position": 1},
    {"property": "contact.last_name", "position": 2},
)


class ConsentInline(PartInline):
    model = FormConsent
    fields = ("type", "text", ("legal_basis", "required"), "position")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "type":
            kwargs["queryset"] = SubscriptionType.objects.filter(active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
