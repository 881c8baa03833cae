"""The admins of the kinds of records."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from crm.admin import marketing, sequence_panel, subscriptions
from crm.admin.activities import complete
from crm.admin.forms import RecordForm
from crm.admin.records import RecordAdmin
from crm.models import Company, Contact, Deal, MarketingStatus, Note, SubscriptionType, Task, Ticket
from records.clock import database_now
from records.problems import DocumentError


@admin.register(Contact)
class ContactAdmin(RecordAdmin):
    search_fields = ("email", "first_name", "last_name", "phone")
    select_filters = ("lifecycle_stage", "lead_status", "marketing_status")

    def get_urls(self) -> list[URLPattern]:
        views = {
            "subscription": self.subscription_view,
            "marketing": self.marketing_view,
            "sequence": self.sequence_view,
            "sequence_end": self.sequence_end_view,
        }
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(require_POST(view)), name=f"crm_contact_{name}")
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def facts(self, request: HttpRequest, record: Any, form: RecordForm, allowed: bool) -> dict[str, Any]:
        own = {
            "subscriptions": subscriptions.lines(record),
            "marketing": marketing.panel(record, request.user, database_now()),
            "sequences": sequence_panel.panel(record, request.user),
        }
        return {**super().facts(request, record, form, allowed), **own}

    def marketing_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make the contact a marketing contact, or non-marketing from the next update on."""
        contact, status = self.record(request, pk, "change"), request.POST.get("status", "")
        if status not in MarketingStatus.values or contact.deleted_at:
            messages.error(request, _("Choose a status for a contact that is not deleted."))
        else:
            messages.success(request, marketing.change(contact, status, by=request.user, now=database_now()))
        return redirect(f"{self.url_of(pk)}#marketing")

    def sequence_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Enroll the contact in a sequence."""
        contact = self.record(request, pk)
        worked, told = sequence_panel.begin(contact, request.POST, by=request.user, now=database_now())
        messages.add_message(request, messages.SUCCESS if worked else messages.ERROR, told)
        return redirect(f"{self.url_of(pk)}#sequences")

    def sequence_end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take the contact out of the sequence it is in."""
        contact = self.record(request, pk)
        messages.success(request, sequence_panel.finish(contact, by=request.user, now=database_now()))
        return redirect(f"{self.url_of(pk)}#sequences")

    def subscription_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Set what the contact wants of one type; the page again, with what was sent, when that cannot be."""
        contact = self.record(request, pk, "change")
        chosen = SubscriptionType.objects.filter(slug=request.POST.get("type", "")).first()
        if chosen is None or contact.deleted_at:
            messages.error(request, _("Choose a subscription type of a contact that is not deleted."))
            return redirect(self.url_of(pk))
        sent = subscriptions.SubscriptionForm(request.POST, type=chosen)
        told = subscriptions.change(sent, contact, by=request.user, now=database_now())
        if told:
            messages.success(request, told)
            return redirect(f"{self.url_of(pk)}#subscriptions")
        form = RecordForm(object_type=self.object_type, user=request.user, record=contact)
        facts = self.facts(request, contact, form, True) | {"subscriptions": subscriptions.lines(contact, sent)}
        return self.page(request, "admin/crm/record_page.html", facts)


@admin.register(Company)
class CompanyAdmin(RecordAdmin):
    search_fields = ("name", "domain", "industry")
    select_filters = ("lifecycle_stage",)


@admin.register(Deal)
class DealAdmin(RecordAdmin):
    search_fields = ("name",)
    select_filters = ("stage", "pipeline")


@admin.register(Ticket)
class TicketAdmin(RecordAdmin):
    search_fields = ("subject", "description")
    select_filters = ("status", "priority", "category")


@admin.register(Task)
class TaskAdmin(RecordAdmin):
    search_fields = ("title",)
    select_filters = ("status", "queue", "priority", "kind")
    actions = (*RecordAdmin.actions, "complete_selected")

    @admin.action(description=gettext_lazy("Complete"), permissions=["change"])
    def complete_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        self.complete(request, list(queryset.values_list("pk", flat=True)))

    def complete(self, request: HttpRequest, ids: list[int]) -> None:
        try:
            count = complete(ids, request.user, database_now())
        except DocumentError as error:
            messages.error(request, str(error.problems[0].message))
            return
        message = ngettext("%(count)d task was completed.", "%(count)d tasks were completed.", count)
        messages.success(request, message % {"count": count})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.complete_view))
        return [path("<int:pk>/complete/", view, name="crm_task_complete"), *super().get_urls()]

    def complete_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Complete one task and go back to where the button was."""
        task = self.record(request, pk, "change")
        self.complete(request, [task.pk])
        back = request.POST.get("next", "")
        safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
        return redirect(back if safe else self.url_of(pk))


@admin.register(Note)
class NoteAdmin(RecordAdmin):
    search_fields = ("body",)

    @admin.display(description=gettext_lazy("note"))
    def shown_name(self, record: Note) -> str:
        return Truncator(record.body).chars(100, html=True) or _("Empty note")
