"""Rights on single properties: one page per group and object type, a row per property (PRM-05 to PRM-09)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.clock import database_now
from records.ids import id_of
from records.models import Access, PropertyAccess, PropertyAccessChange
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.property_access.granting import grant, levels_of
from records.property_access.rights import levels_for, property_label
from records.vocabulary import read_once

CHANGES_SHOWN = 50


@dataclass(frozen=True)
class Cell:
    """One right on one property, as a radio button where it `can` be given."""

    level: Access
    can: bool
    chosen: bool


@dataclass(frozen=True)
class Row:
    """One property of the table."""

    slug: str
    label: str
    cells: list[Cell]
    errors: Any


class ChoiceForm(forms.Form):
    """Whose rights on whose properties the page is about."""

    group = forms.ModelChoiceField(label=gettext_lazy("Group"), queryset=Group.objects.order_by("name"))
    object_type = forms.ChoiceField(label=gettext_lazy("Properties of"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = self.fields["object_type"]
        assert isinstance(kinds, forms.ChoiceField)
        kinds.choices = [(slug, capfirst(str(kind.label_plural))) for slug, kind in object_types.items()]


class RightsForm(forms.Form):
    """None, view or edit for each property that can be restricted."""

    def __init__(self, data: Any, group: Group, object_type: ObjectType, may_change: bool) -> None:
        super().__init__(data, auto_id="right_%s")
        self.object_type, stored = object_type, levels_of(group, object_type)
        for slug, prop in object_type.properties().items():
            levels = levels_for(object_type, prop)
            if len(levels) > 1:
                self.fields[slug] = forms.TypedChoiceField(
                    label=capfirst(str(prop.label)), coerce=int, disabled=not may_change, widget=forms.RadioSelect,
                    choices=[(level.value, level.label) for level in levels], initial=stored.get(slug, Access.EDIT),
                )  # fmt: skip

    def rows(self) -> list[Row]:
        found = []
        for bound in self:
            assert isinstance(bound.field, forms.ChoiceField)
            choices: Any = bound.field.choices
            chosen, can = str(bound.value()), {level for level, _label in choices}
            cells = [Cell(level, level.value in can, chosen == str(level.value)) for level in Access]
            found.append(Row(bound.name, str(bound.label), cells, bound.errors))
        return found

    def levels(self) -> dict[str, Access]:
        return {slug: Access(level) for slug, level in self.cleaned_data.items()}


@admin.register(PropertyAccess)
class PropertyAccessAdmin(admin.ModelAdmin):
    """Own page instead of Django's list and form: rights are read side by side."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """GET: choose group and object type, and see the rights. POST: set them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_change = self.has_change_permission(request)
        groups = Group.objects.order_by("name")
        group = groups.filter(pk=id_of(request.GET.get("group")) or 0).first() or groups.first()
        asked = request.GET.get("object_type", "")
        kind: ObjectType = object_types[asked if asked in object_types else next(iter(object_types))]
        posted = request.method == "POST"
        if posted and not may_change:
            raise PermissionDenied
        form = RightsForm(request.POST if posted else None, group, kind, may_change) if group else None
        if posted and group and form is not None and form.is_valid() and self.saved(request, group, kind, form):
            return redirect(address(group, kind))
        page = Paginator(PropertyAccessChange.objects.select_related("user"), CHANGES_SHOWN).get_page(
            request.GET.get("p")
        )
        with read_once():
            told = [(one, about(one)) for one in page]
        context = self.admin_site.each_context(request) | {
            "title": _("Property rights"), "opts": self.opts, "group": group, "kind": kind, "form": form,
            "choice": ChoiceForm(initial={"group": group, "object_type": kind.slug}),
            "levels": [level.label for level in Access], "may_change": may_change,
            "page": page, "changes": told,
            "members": get_user_model()._default_manager.filter(groups=group).count() if group else 0,
        }  # fmt: skip
        return TemplateResponse(request, "admin/records/propertyaccess/rights.html", context)

    def saved(self, request: HttpRequest, group: Group, kind: ObjectType, form: RightsForm) -> bool:
        """Set the rights; False, with messages, for what cannot be."""
        try:
            count = grant(group, kind, form.levels(), by=request.user, now=database_now())
        except DocumentError as error:
            for problem in error.problems:
                messages.error(request, str(problem.message))
            return False
        told = ngettext(
            "%(count)d right of “%(group)s” was changed.", "%(count)d rights of “%(group)s” were changed.", count
        )
        messages.success(request, told % {"count": count, "group": group.name})
        return True

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return redirect("admin:records_propertyaccess_changelist")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect("admin:records_propertyaccess_changelist")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


def about(change: PropertyAccessChange) -> str:
    """Whose property a change is about."""
    kind = object_types.get(change.object_type)
    facts = {
        "property": property_label(f"{change.object_type}.{change.property}"),
        "records": kind.label_plural if kind else change.object_type,
    }
    return _("%(property)s of %(records)s") % facts


def address(group: Group, kind: ObjectType) -> str:
    query = urlencode({"group": group.pk, "object_type": kind.slug})
    return f"{reverse('admin:records_propertyaccess_changelist')}?{query}"
