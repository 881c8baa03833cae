"""Calls to action, and the code that websites need to tell of their visitors."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.core.exceptions import PermissionDenied
from django.core.validators import URLValidator
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.lasting_slug import LastingSlugAdmin
from crm.models import CallToAction
from crm.tracking import links


def tracking_code(request: HttpRequest) -> SafeString:
    """The element websites put into their pages; the addresses in it are those of this request."""
    consent = "required" if settings.TRACKING_CONSENT_REQUIRED else "optional"
    return format_html(
        '<script src="{}" data-collect="{}" data-consent="{}" defer></script>',
        request.build_absolute_uri(static("crm/headrace.js")),
        request.build_absolute_uri(reverse("tracking:collect")),
        consent,
    )


def pixel_code(request: HttpRequest) -> SafeString:
    """The picture for pages that can have no script; the address of the page has to be written into it."""
    address = request.build_absolute_uri(reverse("tracking:pixel"))
    return format_html('<img src="{}?url=https%3A%2F%2F…" alt="" width="1" height="1">', address)


def embed_code(request: HttpRequest, call: CallToAction) -> SafeString:
    """The link websites put where the call to action is to be."""
    link = request.build_absolute_uri(links.cta_link(call.slug))
    return format_html('<a href="{}" data-headrace-cta="{}">{}</a>', link, call.slug, call.text)


class CallToActionForm(forms.ModelForm):
    target = forms.URLField(
        label=gettext_lazy("Target address"), max_length=1000, assume_scheme="https", widget=AdminURLFieldWidget,
        validators=[URLValidator(schemes=["http", "https"])], help_text=gettext_lazy("Where a click leads to."),
    )  # fmt: skip

    class Meta:
        model = CallToAction
        fields = ("name", "slug", "text", "target")


@admin.register(CallToAction)
class CallToActionAdmin(LastingSlugAdmin):
    """Its internal name is what websites and filters hold, so it stays."""

    form = CallToActionForm
    list_display = ("name", "text", "target", "views", "clicks", "rate")
    list_select_related = ("tally",)
    search_fields = ("name", "slug", "text")
    fields = ("name", "slug", "text", "target")
    change_list_template = "admin/crm/calltoaction/list.html"
    change_form_template = "admin/crm/calltoaction/form.html"

    class Media:
        css = {"all": ("crm/form_builder.css",)}

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("tracking-code/", self.admin_site.admin_view(self.code_view), name="crm_calltoaction_tracking_code"),
        ]
        return own + super().get_urls()

    @admin.display(description=gettext_lazy("views"), ordering="tally__views")
    def views(self, call: CallToAction) -> str:
        return number_format(call.tally.views if hasattr(call, "tally") else 0, force_grouping=True)

    @admin.display(description=gettext_lazy("clicks"), ordering="tally__clicks")
    def clicks(self, call: CallToAction) -> str:
        return number_format(call.tally.clicks if hasattr(call, "tally") else 0, force_grouping=True)

    @admin.display(description=gettext_lazy("click rate"))
    def rate(self, call: CallToAction) -> str:
        """Clicks of those who have seen it; a click without a view can come from a page without the script."""
        tally = call.tally if hasattr(call, "tally") else None
        if tally is None or not tally.views:
            return "–"
        return _("%(percent)s %%") % {"percent": number_format(100 * tally.clicks / tally.views, 1)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One that somebody has seen stays: what happened with it is asked for in filters."""
        used = obj is not None and hasattr(obj, "tally")
        return super().has_delete_permission(request, obj) and not used

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        call = kwargs.get("obj")
        if call is not None:
            numbers = {"views": self.views(call), "clicks": self.clicks(call), "rate": self.rate(call)}
            context |= {"embed_code": embed_code(request, call), "numbers": numbers}
        return super().render_change_form(request, context, *args, **kwargs)

    def code_view(self, request: HttpRequest) -> TemplateResponse:
        """The code for websites, and which websites may tell."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Tracking code"),
            "opts": self.opts,
            "script_code": tracking_code(request),
            "pixel_code": pixel_code(request),
            "domains": settings.TRACKING_DOMAINS,
            "consent_required": settings.TRACKING_CONSENT_REQUIRED,
            "days": settings.TRACKING_ANONYMOUS_DAYS,
        }
        return TemplateResponse(request, "admin/crm/calltoaction/tracking_code.html", context)
