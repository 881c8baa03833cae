"""The sequence builder: the steps of a sequence as cards one can move, and how many contacts came how far."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.filters import OwnerFilter
from crm.admin.kept_in_use import KeptInUseAdmin
from crm.models import Sequence, SequenceEnrollment, SequenceStep
from crm.sequences.words import FIGURES, count_states
from crm.sequences.writing import PEOPLE, text_problems
from records.defining import slug_for
from records.object_types import object_types
from records.people import person_field
from records.property_access import rights_of
from workflows.ai import providers
from workflows.texts.tokens import allowed_names

EMAIL, WRITTEN, TASK = SequenceStep.Kind.EMAIL, SequenceStep.Kind.WRITTEN, SequenceStep.Kind.TASK
ASK = "workflows.use_aiprovider"
TOKENS = gettext_lazy(
    "Write tokens like {{ contact.first_name }} or {{ sender.name }} for values of the contact, its owner and the "
    "sender; {{ contact.first_name | default: 'there' }} where it may be blank."
)


class SequenceForm(forms.ModelForm):
    """The sequence itself, without its steps."""

    class Media:
        css = {"all": ("crm/form_builder.css", "crm/sequence_builder.css")}
        js = (forms.widgets.Script("crm/sequence_builder.js", type="module"),)

    class Meta:
        model = Sequence
        fields = ("name", "slug", "owner", "active", "is_agent", "subscription", "time_zone", "workdays", "thread")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
        if "owner" in self.fields:
            given = self.fields["owner"]
            self.fields["owner"] = person_field(
                label=given.label, required=given.required, help_text=given.help_text, initial=given.initial
            )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not values.get("slug") and not self.instance.pk and values.get("name"):
            values["slug"] = slug_for(values["name"])[:60]
            if Sequence.objects.filter(slug=values["slug"]).exists():
                self.add_error("slug", _("Another sequence already has this internal name. Give this one its own."))
        return values


class StepForm(forms.ModelForm):
    """One step; what a task does without is not looked at for one."""

    class Meta:
        model = SequenceStep
        fields = ("kind", "days", "at", "subject", "body", "task_kind", "priority", "position")
        labels = {
            "subject": gettext_lazy("Subject or title"),
            "body": gettext_lazy("Text or notes; what AI is to write"),
        }
        help_texts = {"body": TOKENS}
        widgets = {
            "body": forms.Textarea(attrs={"rows": 8}),
            "at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "position": forms.HiddenInput(),
        }

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if "position" in self.fields:
            self.fields["position"].required = False

    def has_changed(self) -> bool:
        """A new card counts once something is written in it; where it stands and its type say nothing yet."""
        return super().has_changed() if self.instance.pk else bool(set(self.changed_data) - {"position", "kind"})

    def clean_position(self) -> int:
        return self.cleaned_data.get("position") or 0

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        email = values.get("kind") == EMAIL
        if email and not (values.get("body") or "").strip():
            self.add_error("body", _("The email has no text. Write one."))
        if values.get("kind") == TASK and not (values.get("subject") or "").strip():
            self.add_error("subject", _("The task has no title. Write one."))
        if values.get("kind") == WRITTEN:
            self.check_written(values)
        self.check_tokens(values)
        return values

    def check_written(self, values: dict[str, Any]) -> None:
        """What AI needs for writing an email, and the right to have it do so."""
        values["subject"] = ""
        if not (values.get("body") or "").strip():
            self.add_error("body", _("Say what AI is to write: what you offer, and which values it may use."))
        if self.has_changed() and not (self.user and self.user.has_perm(ASK)):
            self.add_error("kind", _("You may not have AI write emails. Ask for the right to use AI in workflows."))
        elif why := providers.missing():
            self.add_error("kind", why)

    def check_tokens(self, values: dict[str, Any]) -> None:
        """Nobody sends what they may not see themselves: only what they write is looked at."""
        contact = object_types["contact"]
        seen = rights_of(self.user).seen(contact, contact.properties())
        for name in ("subject", "body"):
            if name in self.changed_data and values.get(name):
                for problem in text_problems(values[name], seen):
                    self.add_error(name, str(problem.message))


class StepFormSet(BaseInlineFormSet):
    """All steps of a sequence, in the order of their places."""

    user: Any = None

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "user": self.user}

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        written = [one for one in self.forms if one.has_changed() or one.instance.pk]
        steps = [one for one in written if not one.cleaned_data.get("DELETE")]
        emails = [one for one in steps if one.cleaned_data.get("kind") in (EMAIL, WRITTEN)]
        emails.sort(key=lambda one: one.cleaned_data.get("position") or 0)
        if self.instance.is_agent and not any(one.cleaned_data["kind"] == WRITTEN for one in emails):
            raise ValidationError(_("The prospecting agent needs an email written by AI. Add one, or untick it."))
        # Answers in the thread have the subject of the first, and AI writes its own.
        needing = emails[:1] if self.instance.thread else emails
        for one in needing:
            if one.cleaned_data["kind"] == EMAIL and not (one.cleaned_data.get("subject") or "").strip():
                one.add_error("subject", _("The email has no subject. Write one."))


class StepInline(admin.StackedInline):
    """The steps: whoever may change the sequence may change them."""

    model = SequenceStep
    form = StepForm
    formset = StepFormSet
    fieldsets = (
        (None, {"fields": (("kind", "days", "at"), ("task_kind", "priority"), "subject", "body", "position")}),
    )

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return type("StepFormSet", (super().get_formset(request, obj, **kwargs),), {"user": request.user})

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 1

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("crm.view_sequence") or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("crm.change_sequence") or (
            obj is None and request.user.has_perm("crm.add_sequence")
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(Sequence)
class SequenceAdmin(KeptInUseAdmin):
    """Sequences; one that contacts have been in stays, with their history."""

    thing = "sequence"
    form = SequenceForm
    inlines = (StepInline,)
    change_form_template = "admin/crm/sequence/builder.html"
    change_list_template = "admin/crm/sequence/list.html"
    list_display = ("name", "state", "owner", "inside", "finished", "replied", "meetings")
    list_filter = ("active", OwnerFilter)
    list_select_related = ("owner",)
    search_fields = ("name",)
    fieldsets = (
        (None, {"fields": (
            ("name", "slug"), ("owner", "active"), "is_agent", "subscription", ("time_zone", "workdays"), "thread",
        )}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        states = {name: Count("enrollments", filter=Q(enrollments__status=name)) for name in FIGURES}
        return super().get_queryset(request).annotate(**{f"n_{name}": count for name, count in states.items()})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_changeform_initial_data(request), "owner": request.user.pk}

    def why_kept(self, obj: Any) -> str:
        if not SequenceEnrollment.objects.filter(sequence=obj).exists():
            return ""
        return _(
            "Contacts are or have been in this sequence, so it cannot be deleted. Untick “takes contacts” instead."
        )

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """With how many contacts came how far, and what texts may speak of."""
        found = self.get_object(request, object_id) if object_id else None
        contact, extra = object_types["contact"], dict(extra_context or {})
        seen = rights_of(request.user).seen(contact, contact.properties())
        extra["tokens"] = [*allowed_names(contact, seen), *(f"{who}.name" for who in PEOPLE)]
        if found is not None:
            list_url = f"{reverse('admin:crm_sequenceenrollment_changelist')}?sequence__id__exact={found.pk}"
            allowed = request.user.has_perm("crm.view_sequenceenrollment")
            extra |= {"figures": count_states(found.pk), "list_url": list_url if allowed else ""}
        return super().changeform_view(request, object_id, form_url, extra)

    @admin.display(description=gettext_lazy("takes contacts"), ordering="active")
    def state(self, sequence: Sequence) -> SafeString:
        tone, word = ("chip-ok", _("Open")) if sequence.active else ("chip-muted", _("Closed"))
        return format_html('<span class="chip {}">{}</span>', tone, word)

    @admin.display(description=gettext_lazy("in it"), ordering="n_active")
    def inside(self, sequence: Any) -> str:
        return number_format(sequence.n_active, force_grouping=True)

    @admin.display(description=gettext_lazy("finished"), ordering="n_finished")
    def finished(self, sequence: Any) -> str:
        return number_format(sequence.n_finished, force_grouping=True)

    @admin.display(description=gettext_lazy("replied"), ordering="n_replied")
    def replied(self, sequence: Any) -> str:
        return number_format(sequence.n_replied, force_grouping=True)

    @admin.display(description=gettext_lazy("meetings booked"), ordering="n_meeting")
    def meetings(self, sequence: Any) -> str:
        return number_format(sequence.n_meeting, force_grouping=True)
