"""The page about tracked terms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import tracked_terms
from crm.admin.lasting_slug import LastingSlugAdmin
from crm.models import TrackedTerm


class TrackedTermForm(forms.ModelForm):
    class Meta:
        model = TrackedTerm
        fields = ("name", "slug", "phrases")

    def clean_phrases(self) -> str:
        phrases = "\n".join(
            " ".join(line.split()) for line in self.cleaned_data["phrases"].splitlines() if line.split()
        )
        if not phrases:
            raise forms.ValidationError(_("Write down at least one word or phrase, a line each."))
        return phrases


@admin.register(TrackedTerm)
class TrackedTermAdmin(LastingSlugAdmin):
    form = TrackedTermForm
    list_display = ("name", "slug", "shown_phrases", "state")
    search_fields = ("name", "phrases")

    @admin.display(description=gettext_lazy("words to look for"))
    def shown_phrases(self, term: TrackedTerm) -> str:
        return ", ".join(term.phrases.splitlines())

    @admin.display(description=gettext_lazy("earlier calls"))
    def state(self, term: TrackedTerm) -> str:
        return _("all looked through") if term.searched_to is None else _("being looked through")

    def save_model(self, request: HttpRequest, obj: TrackedTerm, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change or "phrases" in form.changed_data:
            tracked_terms.search_earlier(obj)
            messages.info(request, _("Earlier calls are looked through in the background."))

    def delete_model(self, request: HttpRequest, obj: TrackedTerm) -> None:
        tracked_terms.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for term in queryset:
            tracked_terms.remove(term)
