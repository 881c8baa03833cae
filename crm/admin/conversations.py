"""The page of a conversation: its messages, and writing one down."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from crm.admin.forms import RecordForm
from crm.admin.records import RecordAdmin
from crm.conversing import BODY_LIMIT, Written, write_down
from crm.models import Conversation, Message
from records.clock import database_now
from records.journal import change_source

#: The newest messages on the page.
SHOWN = 50


class MessageForm(forms.Form):
    """A message that was received or sent elsewhere; nothing is sent."""

    direction = forms.ChoiceField(label=gettext_lazy("Direction"), choices=Message.Direction.choices)
    body = forms.CharField(
        label=gettext_lazy("Message"), widget=forms.Textarea(attrs={"rows": 3}), max_length=BODY_LIMIT
    )
    at = forms.DateTimeField(
        label=gettext_lazy("Time (empty: now)"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )  # fmt: skip


@admin.register(Conversation)
class ConversationAdmin(RecordAdmin):
    search_fields = ("subject", "last_message")
    select_filters = ("status", "channel")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.message_view))
        return [path("<int:pk>/message/", view, name="crm_conversation_message"), *super().get_urls()]

    def facts(self, request: HttpRequest, record: Any, form: RecordForm, allowed: bool) -> dict[str, Any]:
        newest = list(record.messages.select_related("author").order_by("-at", "-id")[: SHOWN + 1])
        return {
            **super().facts(request, record, form, allowed),
            "conversation_messages": newest[:SHOWN][::-1],
            "more_messages": len(newest) > SHOWN,
            "message_form": MessageForm(auto_id="message_%s"),
        }

    def message_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Write down a message of the conversation."""
        conversation, form = self.record(request, pk, "change"), MessageForm(request.POST)
        if conversation.deleted_at:
            messages.error(request, _("The conversation was deleted. Restore it first."))
        elif not form.is_valid():
            for name, errors in form.errors.items():
                messages.error(request, f"{form.fields[name].label}: {' '.join(map(str, errors))}")
        else:
            sent = form.cleaned_data["direction"] == Message.Direction.SENT
            written = Written(
                form.cleaned_data["direction"], form.cleaned_data["body"].replace("\r\n", "\n"),
                form.cleaned_data["at"] or database_now(), author=request.user.pk if sent else None,
            )  # fmt: skip
            with change_source("admin", actor=request.user):
                write_down(conversation, written)
            messages.success(request, _("The message was added."))
        return redirect(f"{self.url_of(pk)}#messages")
