"""Email templates: written in an editor, seen with a contact's values, tried out, archived; and bounced addresses."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from crm.admin.kept_in_use import KeptInUseAdmin
from crm.emails import cleaning, companions, keeping, using
from crm.models import BouncedAddress, Contact, EmailTemplate
from records.clock import database_now
from records.object_types import object_types
from records.problems import DocumentError
from records.property_access import rights_of
from records.seeing import may_see
from workflows.models import Workflow
from workflows.rights.opening import openable
from workflows.step_forms.offered_tokens import Choices, offered_of

PAGE, PREVIEW = "admin:crm_emailtemplate_change", "admin:email_preview"
#: For mail in a frame that can do nothing: its styles stand in its tags, its pictures come from outside.
MAIL_RULES = {
    "default-src": [NONE], "style-src": [UNSAFE_INLINE], "img-src": ["https:", "http:", "data:"],
    "frame-ancestors": [SELF], "form-action": [NONE], "script-src": [NONE], "connect-src": [NONE], "font-src": [NONE],
    "sandbox": [],
}  # fmt: skip


class BodyWidget(forms.Textarea):
    """A text area that becomes an editor where there are scripts."""

    template_name = "admin/widgets/email_body.html"
    #: Who writes; they are offered what they may see.
    user: Any = None

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context(name, value, attrs)
        return found | {"tokens": token_choices(self.user), "limit": cleaning.BODY_LIMIT}


def token_choices(user: Any) -> list[tuple[str, Choices]]:
    contact, rights = object_types["contact"], rights_of(user)
    found = offered_of(contact, rights.seen(contact, contact.properties()))
    for known in companions.sources().values():
        kind = known.object_type
        # The owner of a company is nobody {{ owner }} names.
        found += offered_of(kind, rights.seen(kind, known.properties))[:1] if may_see(user, kind) else []
    return found


class PageForm(keeping.EmailTemplateForm):
    class Meta(keeping.EmailTemplateForm.Meta):
        widgets = {
            "body": BodyWidget(attrs={"rows": 16, "data-email-body": "true"}),
            "subject": forms.TextInput(attrs={"class": "vTextField", "data-email-line": "true"}),
            "preview_text": forms.TextInput(attrs={"class": "vTextField", "data-email-line": "true"}),
            "footer": forms.TextInput(attrs={"class": "vTextField", "data-email-line": "true"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "body" in self.fields and isinstance(widget := self.fields["body"].widget, BodyWidget):
            widget.user = self.user


@admin.register(EmailTemplate)
class EmailTemplateAdmin(KeptInUseAdmin):
    """Its internal name is what workflows hold, so it stays; what was sent is archived, not deleted."""

    form = PageForm
    change_form_template = "admin/crm/emailtemplate/form.html"
    list_display = ("name", "subject", "type", "state", "updated_at")
    list_filter = (("archived_at", admin.EmptyFieldListFilter), "type")
    list_select_related = ("type",)
    search_fields = ("name", "slug", "subject")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "slug", "type")}),
        (gettext_lazy("What the contact sees first"), {"fields": ("subject", "preview_text")}),
        (gettext_lazy("Text"), {"fields": ("body", "footer")}),
        (gettext_lazy("From"), {"fields": ("from_name", "from_address", "reply_to")}),
        (gettext_lazy("What it tells"), {"fields": ("track_opens", "track_clicks")}),
    )

    class Media:
        css = {"all": ("crm/email_editor.css",)}
        js = (forms.widgets.Script("crm/email_editor.js", type="module"),)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/preview/", wrap(self.preview_view), name="email_preview"),
            path("<int:pk>/message/", wrap(self.message_view), name="email_message"),
            path("<int:pk>/test/", wrap(require_POST(self.test_view)), name="email_test"),
            path("<int:pk>/archive/", wrap(require_POST(self.archive_view)), name="email_archive"),
        ]
        return own + super().get_urls()

    def why_kept(self, obj: EmailTemplate) -> str:
        return keeping.why_kept(obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("slug",) if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        found = super().get_form(request, obj, change, **kwargs)
        return type(found.__name__, (found,), {"user": request.user})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Subscription types have a page of their own: they are not made in passing."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def save_model(self, request: HttpRequest, obj: EmailTemplate, form: Any, change: bool) -> None:
        obj.changed_by = request.user if request.user.is_authenticated else None
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("state"))
    def state(self, template: EmailTemplate) -> SafeString:
        tone, word = ("chip-muted", _("Archived")) if template.archived_at else ("chip-ok", _("Offered"))
        return format_html('<span class="chip {}">{}</span>', tone, word)

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """With who uses it, and why it cannot be deleted."""
        found = self.get_object(request, object_id) if object_id else None
        extra = dict(extra_context or {})
        if found is not None:
            extra |= {
                "users": known_users(found, request.user), "kept": keeping.why_kept(found),
                "may_change": self.has_change_permission(request, found),
                "may_preview": may_see(request.user, object_types["contact"]),
            }  # fmt: skip
        return super().changeform_view(request, object_id, form_url, extra)

    def found(self, request: HttpRequest, pk: int, verb: str = "view") -> EmailTemplate:
        found = self.get_queryset(request).filter(pk=pk).first()
        if found is None:
            raise Http404(_("There is no such email."))
        if not getattr(self, f"has_{verb}_permission")(request, found):
            raise PermissionDenied
        return found

    def contact_in(self, request: HttpRequest, asked: str) -> Contact | None:
        """The contact somebody asks for by its address, its number or its name; without one the newest.

        Not by what is hidden from them: that there is one tells a value.
        """
        rights = rights_of(request.user)
        living = Contact.objects.filter(deleted_at=None)
        asked = asked.strip().replace("\x00", "")
        if not asked:
            return living.order_by("-pk").first()
        if asked.isascii() and asked.isdigit() and len(asked) < 16 and (by_id := living.filter(pk=int(asked)).first()):
            return by_id
        by_address = living.filter(email__iexact=asked) if rights.may_view("contact", "email") else living.none()
        names = all(rights.may_view("contact", slug) for slug in ("first_name", "last_name"))
        return by_address.first() or (named(living, asked).first() if names else None)

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """An email as a contact would get it: subject, HTML in a frame that can do nothing, plain text."""
        template = self.found(request, pk)
        if not may_see(request.user, object_types["contact"]):
            raise PermissionDenied
        asked = request.GET.get("contact", "")
        contact = self.contact_in(request, asked)
        message, fault = None, _("There is no such contact. Give an email address, a number or a name.")
        if contact is not None:
            try:
                message = keeping.previewed(template, contact, user=request.user, now=database_now())
            except DocumentError as error:
                fault = str(error.problems[0].message)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "template": template, "asked": asked,
            "title": _("Preview of “%(name)s”") % {"name": template.name}, "contact": contact, "message": message,
            "fault": "" if message else fault, "may_change": self.has_change_permission(request, template),
            "sender": keeping.sending.sender_of(template),
        }  # fmt: skip
        return TemplateResponse(request, "admin/crm/emailtemplate/preview.html", context)

    @method_decorator((csp_replace(MAIL_RULES), xframe_options_sameorigin))
    def message_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The HTML of an email alone, for the frame."""
        template = self.found(request, pk)
        contact = self.contact_in(request, request.GET.get("contact", ""))
        if contact is None:
            raise Http404(_("There is no such contact."))
        try:
            message = keeping.previewed(template, contact, user=request.user, now=database_now())
        except DocumentError as error:
            raise PermissionDenied(str(error.problems[0].message)) from error
        return HttpResponse(message.html, headers={"Cache-Control": "no-store"})

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        template = self.found(request, pk, "change")
        asked = request.POST.get("contact", "")
        contact = self.contact_in(request, asked)
        if contact is None:
            messages.error(request, _("There is no contact yet whose values could be filled in."))
            return redirect(PAGE, pk)
        try:
            to = keeping.send_test(template, contact, user=request.user, now=database_now())
        except DocumentError as error:
            messages.error(request, str(error.problems[0].message))
        else:
            messages.success(request, _("The test is on its way to %(address)s.") % {"address": to})
        return redirect(f"{reverse(PREVIEW, args=[pk])}?contact={contact.pk}")

    def archive_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        template = self.found(request, pk, "change")
        if template.archived_at:
            keeping.unarchive(template)
            self.log_change(request, template, _("Brought back from the archive."))
            messages.success(request, _("The email is offered again."))
        else:
            keeping.archive(template, database_now())
            self.log_change(request, template, _("Archived."))
            messages.success(request, _("The email is archived. Workflows that send it go on."))
        return redirect(PAGE, pk)


def known_users(template: EmailTemplate, user: Any) -> list[Workflow]:
    """The workflows that send an email, of those a person may know of."""
    found = Workflow.objects.filter(pk__in=[one.pk for one in using.users_of(template)])
    return list(openable(found, user).order_by("name", "pk"))


def named(living: QuerySet[Contact], name: str) -> QuerySet[Contact]:
    first, _space, last = name.partition(" ")
    found = living.filter(first_name__iexact=first)
    return (found.filter(last_name__iexact=last) if last else found).order_by("pk")


@admin.register(BouncedAddress)
class BouncedAddressAdmin(admin.ModelAdmin):
    """Taking an address off has mail sent there again."""

    list_display = ("address", "email", "reason", "bounced_at")
    search_fields = ("address",)
    ordering = ("-bounced_at",)
    fields = readonly_fields = ("address", "email", "reason", "bounced_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
