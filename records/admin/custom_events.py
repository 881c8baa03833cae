"""Custom events: defined with their typed properties, used like the built-in ones (EVT-27)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.admin.custom_properties import OptionsField
from records.defining import slug_for
from records.event_types import event_types
from records.happening import listened
from records.models import CustomEventProperty, CustomEventType, Event
from records.object_types import object_types

MADE_FROM_LABEL = gettext_lazy("Left empty it is made from the label. It cannot be changed later.")


def is_used(kind: CustomEventType) -> bool:
    """Whether filters may speak of the event and its properties now."""
    return listened(kind.slug, kind.object_type)


class SluggedForm(forms.ModelForm):
    """A form whose internal name is made from the label where it is left empty."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = MADE_FROM_LABEL
            if self.instance.pk:
                self.fields["slug"].disabled = True

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not values.get("slug") and not self.instance.pk and values.get("label"):
            values["slug"] = slug_for(values["label"])[:50]
        return values


class EventTypeForm(SluggedForm):
    object_type = forms.ChoiceField(label=gettext_lazy("Happens to"))

    class Meta:
        model = CustomEventType
        fields = ("label", "slug", "object_type", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "object_type" in self.fields:
            kinds = [(one.slug, one.label_plural) for one in object_types.values()]
            chosen = self.fields["object_type"]
            assert isinstance(chosen, forms.ChoiceField)
            chosen.choices = kinds
            self.fields["object_type"].disabled = bool(self.instance.pk)

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in event_types:
            message = _("There already is an event “%(slug)s”. Choose another internal name.")
            raise ValidationError(message % {"slug": slug})
        return slug


class PropertyForm(SluggedForm):
    options = OptionsField(
        label=gettext_lazy("Options"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("For select properties: one per line."),
    )

    class Meta:
        model = CustomEventProperty
        fields = ("label", "slug", "type", "options", "required")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "type" in self.fields:
            self.fields["type"].disabled = True

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        kind = values.get("type") or self.instance.type
        if kind in ("select", "multi_select") and not values.get("options"):
            self.add_error("options", _("A select property needs options. Write one per line."))
        return values


class PropertyInline(admin.TabularInline):
    model = CustomEventProperty
    form = PropertyForm
    extra = 1

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        used = isinstance(obj, CustomEventType) and is_used(obj)
        return not used and super().has_delete_permission(request, obj)


@admin.register(CustomEventType)
class CustomEventTypeAdmin(admin.ModelAdmin):
    form = EventTypeForm
    inlines = (PropertyInline,)
    list_display = ("label", "slug", "shown_object_type", "description")
    search_fields = ("label", "slug")

    @admin.display(description=gettext_lazy("happens to"), ordering="object_type")
    def shown_object_type(self, kind: CustomEventType) -> str:
        found = object_types.get(kind.object_type)
        return str(found.label_plural) if found else kind.object_type

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Not while a workflow or a filter asks for it; what has happened stays in the records' timelines."""
        kind = self.get_object(request, unquote(object_id))
        title = None
        if kind is not None and is_used(kind):
            message = _("“%(label)s” is used by workflows or lists. Remove it there before you delete it.")
            messages.error(request, message % {"label": kind.label})
            return redirect("admin:records_customeventtype_change", kind.pk)
        if kind is not None:
            times = Event.objects.filter(event=kind.slug)[:1_000].count()
            sentence = ngettext(
                "Delete “%(label)s”? It has happened %(count)d time.",
                "Delete “%(label)s”? It has happened %(count)d times.",
                times,
            )
            title = sentence % {"label": kind.label, "count": times}
        return super().delete_view(request, object_id, {**(extra_context or {}), "title": title})
