"""The form builder: what a form asks, how it looks, how it is shared, and how often it is filled in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.form_fields import FIRST_FIELDS, ConsentInline, FieldInline
from crm.forms import counting, embedding
from crm.forms.addresses import origins_in
from crm.models import Form, User
from records.defining import slug_for
from workflows.dependencies import using

DOCUMENT_LIMIT = 50 * 1024 * 1024


class BuilderForm(forms.ModelForm):
    """The form itself, without its fields."""

    class Media:
        css = {"all": ("crm/form_builder.css",)}
        js = (forms.widgets.Script("crm/form_builder.js", type="module"),)

    class Meta:
        model = Form
        fields = (
            "name", "slug", "kind", "active", "title", "introduction", "button", "thanks", "redirect_url",
            "closed_text", "document", "document_url", "appearance", "embed_origins", "minimum_seconds", "notify",
        )  # fmt: skip
        widgets = {name: forms.Textarea(attrs={"rows": 3}) for name in (
            "introduction", "thanks", "closed_text", "embed_origins",
        )}  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
        told = self.fields.get("notify")
        if isinstance(told, forms.ModelMultipleChoiceField):
            told.queryset = User.objects.filter(is_active=True, is_staff=True)

    def clean_embed_origins(self) -> str:
        try:
            return "\n".join(origins_in(self.cleaned_data["embed_origins"]))
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean_document(self) -> Any:
        file = self.cleaned_data["document"]
        if file and file.size > DOCUMENT_LIMIT:
            raise ValidationError(_("The file is larger than 50 MB. Put it elsewhere and give its address."))
        return file

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not values.get("slug") and not self.instance.pk and values.get("name"):
            values["slug"] = slug_for(values["name"])[:50]
            if Form.objects.filter(slug=values["slug"]).exists():
                self.add_error("slug", _("Another form already has this internal name. Give this one its own."))
        is_document = values.get("kind") == Form.Kind.DOCUMENT
        if is_document and bool(values.get("document")) == bool(values.get("document_url")):
            self.add_error("document", _("Give the document itself or its address, one of the two."))
        if is_document and values.get("redirect_url"):
            self.add_error("redirect_url", _("A shared document is shown after the form. Leave this empty."))
        return values


@admin.register(Form)
class FormAdmin(admin.ModelAdmin):
    """Whoever has this permission also sees form triggers (TRG-12)."""

    form = BuilderForm
    inlines = (FieldInline, ConsentInline)
    change_form_template = "admin/crm/form/builder.html"
    list_display = ("name", "state", "kind_name", "views", "submissions", "conversion", "public_link")
    list_filter = ("active", "kind")
    search_fields = ("name", "title")
    fieldsets = (
        (None, {"fields": ("name", "slug", "active", "kind", "document", "document_url")}),
        (gettext_lazy("What visitors read"), {"fields": ("title", "introduction", "button")}),
        (gettext_lazy("After sending"), {"fields": ("thanks", "redirect_url", "notify")}),
        (
            gettext_lazy("Looks and protection"),
            {"fields": ("appearance", "embed_origins", "minimum_seconds", "closed_text")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        seen, sent = Coalesce(Sum("days__views"), 0), Coalesce(Sum("days__submissions"), 0)
        return super().get_queryset(request).annotate(seen=seen, sent=sent)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("slug",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One that workflows name stays, and is closed instead."""
        used = obj is not None and bool(using.users_of("form", obj.slug))
        return super().has_delete_permission(request, obj) and not used

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        if isinstance(inline, FieldInline) and not obj.pk and request.method == "GET":
            kwargs["initial"] = list(FIRST_FIELDS)
        return kwargs

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """With how the form is shared, how it looks, and its figures."""
        found = self.get_object(request, object_id) if object_id else None
        extra = dict(extra_context or {})
        if found is not None:
            figures = counting.figures([found.pk])[found.pk]
            link = request.build_absolute_uri(reverse("forms:form", args=[found.token]))
            extra |= {
                "figures": figures,
                "conversion": percent(figures),
                "public_url": link,
                "iframe_code": embedding.iframe_code(found, link),
                "html_code": embedding.html_code(found, link),
                "may_see_submissions": request.user.has_perm("crm.view_formsubmission"),
            }
        return super().changeform_view(request, object_id, form_url, extra)

    @admin.display(description=gettext_lazy("open"), ordering="active")
    def state(self, form: Form) -> SafeString:
        tone, word = ("chip-ok", _("Open")) if form.active else ("chip-muted", _("Closed"))
        return format_html('<span class="chip {}">{}</span>', tone, word)

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_name(self, form: Form) -> str:
        return _("Form") if form.kind == Form.Kind.FORM else _("Shared document")

    @admin.display(description=gettext_lazy("views"), ordering="seen")
    def views(self, form: Any) -> str:
        return number_format(form.seen, force_grouping=True)

    @admin.display(description=gettext_lazy("submissions"), ordering="sent")
    def submissions(self, form: Any) -> SafeString:
        url = f"{reverse('admin:crm_formsubmission_changelist')}?form__id__exact={form.pk}"
        return format_html('<a href="{}">{}</a>', url, number_format(form.sent, force_grouping=True))

    @admin.display(description=gettext_lazy("conversion"))
    def conversion(self, form: Any) -> str:
        return percent(counting.Figures(form.seen, form.sent))

    @admin.display(description=gettext_lazy("public page"))
    def public_link(self, form: Form) -> SafeString:
        url = reverse("forms:form", args=[form.token])
        return format_html('<a href="{}" target="_blank" rel="noopener">{}</a>', url, _("Open the form"))


def percent(figures: counting.Figures) -> str:
    """ "12.5 %"; "–" before anybody has seen the form."""
    share = figures.conversion
    return "–" if share is None else f"{number_format(share * 100, 1)} %"
