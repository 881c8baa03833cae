"""The survey builder: what a survey asks, whom it asks by which mail, and its figures."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from crm.admin.survey_questions import QuestionInline
from crm.admin.survey_results import ResultsPage, may_see_results
from crm.models import SubscriptionType, Survey
from crm.surveys import results
from crm.surveys.answering import is_open
from records.clock import database_now
from records.defining import slug_for
from records.object_types import object_types
from records.seeing import hidden_property
from workflows.dependencies import using
from workflows.texts import tokens


class SurveyForm(forms.ModelForm):
    """The survey itself, without its questions; `user` writes it."""

    user: Any = None

    class Media:
        css = {"all": ("crm/form_builder.css",)}
        js = (forms.widgets.Script("crm/form_builder.js", type="module"),)

    class Meta:
        model = Survey
        fields = (
            "name", "slug", "kind", "delivery", "active", "closes_at", "title", "introduction", "question", "button",
            "thanks", "closed_text", "appearance", "type", "subject", "message", "repeat_days",
        )  # fmt: skip
        widgets = {name: forms.Textarea(attrs={"rows": 3}) for name in ("introduction", "thanks", "closed_text")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
        about = self.fields.get("type")
        if isinstance(about, forms.ModelChoiceField):
            about.queryset = SubscriptionType.objects.filter(channel=SubscriptionType.Channel.EMAIL, active=True)
            if self.instance.type_id:
                about.queryset |= SubscriptionType.objects.filter(slug=self.instance.type_id)

    def clean_subject(self) -> str:
        return self.checked("subject")

    def clean_message(self) -> str:
        return self.checked("message")

    def checked(self, name: str) -> str:
        """A text whose tokens there are, and, where it was changed, of nothing hidden from who wrote it."""
        text: str = self.cleaned_data[name]
        contact = object_types["contact"]
        found = tokens.check(text, contact)
        if found:
            raise ValidationError([problem.message for problem in found])
        if name in self.changed_data and (what := hidden_property(self.user, tokens.reads(text, contact))):
            message = _("The text speaks of %(what)s, which you may not see. Take the token out.")
            raise ValidationError(message % {"what": what})
        return text

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not values.get("slug") and not self.instance.pk and values.get("name"):
            values["slug"] = slug_for(values["name"])[:50]
            if Survey.objects.filter(slug=values["slug"]).exists():
                self.add_error("slug", _("Another survey already has this internal name. Give this one its own."))
        if values.get("delivery") == Survey.Delivery.WORKFLOW:
            needed = {
                "type": _("Choose what the email is about, so that people can unsubscribe from it."),
                "subject": _("Workflows send this survey by email: write the subject."),
            }
            for name, sentence in needed.items():
                if name not in self.errors and not values.get(name):
                    self.add_error(name, sentence)
        return values


@admin.register(Survey)
class SurveyAdmin(ResultsPage):
    form = SurveyForm
    inlines = (QuestionInline,)
    change_form_template = "admin/crm/survey/builder.html"
    list_display = ("name", "state", "kind", "delivery", "sent", "responses", "rate", "results_link")
    list_filter = ("active", "kind", "delivery")
    search_fields = ("name", "title")
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("name", "slug", "kind", "active", "closes_at")}),
        (gettext_lazy("What people read"), {"fields": ("title", "introduction", "question", "button")}),
        (
            gettext_lazy("How it reaches people"),
            {"fields": ("delivery", "type", "subject", "message", "repeat_days")},
        ),
        (gettext_lazy("After sending, and looks"), {"fields": ("thanks", "closed_text", "appearance")}),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.results_view))
        return [path("<int:pk>/results/", view, name="crm_survey_results"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Survey]:
        return super().get_queryset(request)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the figures of the page's surveys, looked up once."""
        page = super().get_changelist_instance(request)
        now = database_now()
        found = results.figures([survey.pk for survey in page.result_list])
        for survey in page.result_list:
            survey.figures, survey.is_open = found[survey.pk], is_open(survey, now)
            survey.results_shown = may_see_results(request.user)
        return page

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        found = super().get_form(request, obj, change, **kwargs)
        return type(found.__name__, (found,), {"user": request.user})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """How it is told in submissions and events stays as it is once somebody has answered."""
        if obj is None:
            return ()
        return ("slug", "name", "kind") if obj.responses.exists() else ("slug",)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One that has asked somebody, or that workflows send, is closed instead."""
        kept = obj is not None and (
            obj.invitations.exists() or obj.responses.exists() or bool(using.users_of("survey", obj.slug))
        )
        return super().has_delete_permission(request, obj) and not kept

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """With its figures, the link where it is shared by one, and a preview."""
        found = self.get_object(request, object_id) if object_id else None
        extra = dict(extra_context or {})
        if found is not None:
            link = request.build_absolute_uri(reverse("surveys:survey", args=[found.token]))
            extra |= {
                "figures": results.figures([found.pk])[found.pk],
                "public_url": link if found.delivery == Survey.Delivery.LINK else "",
                "preview_url": f"{link}?preview=1",
                "may_see_results": may_see_results(request.user),
                "used": using.names_told("survey", found.slug, request.user),
            }
            extra["rate"] = percent(extra["figures"].rate)
        return super().changeform_view(request, object_id, form_url, extra)

    @admin.display(description=gettext_lazy("open"), ordering="active")
    def state(self, survey: Any) -> SafeString:
        tone, word = ("chip-ok", _("Open")) if survey.is_open else ("chip-muted", _("Closed"))
        return format_html('<span class="chip {}">{}</span>', tone, word)

    @admin.display(description=gettext_lazy("sent"))
    def sent(self, survey: Any) -> str:
        return number_format(survey.figures.sent, force_grouping=True)

    @admin.display(description=gettext_lazy("answers"))
    def responses(self, survey: Any) -> str:
        return number_format(survey.figures.responses, force_grouping=True)

    @admin.display(description=gettext_lazy("response rate"))
    def rate(self, survey: Any) -> str:
        return percent(survey.figures.rate)

    @admin.display(description=gettext_lazy("results"))
    def results_link(self, survey: Any) -> SafeString | str:
        if not survey.results_shown:
            return "–"
        url = reverse("admin:crm_survey_results", args=[survey.pk])
        name = format_html('<span class="visually-hidden">: {}</span>', survey.name)
        return format_html('<a href="{}">{}{}</a>', url, _("Results"), name)


def percent(share: float | None) -> str:
    """ "12.5 %"; "–" where nothing is known yet."""
    return "–" if share is None else f"{number_format(share * 100, 1)} %"
