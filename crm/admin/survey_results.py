"""The results of a survey: figures, how often each option was chosen, and the answers, a page at a time."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from crm.models import Contact, Survey, SurveyResponse
from crm.record_links import may, url_of
from crm.surveys import results
from records.object_types import object_types
from records.property_access import rights_of

PER_PAGE = 50
FEEDBACK = "feedback_submission"


def may_see_results(user: Any) -> bool:
    """Whether somebody may see what was answered: answers are feedback submissions."""
    return bool(user.has_perm("crm.view_survey")) and may(user, "view", object_types[FEEDBACK])


class ResultsPage(admin.ModelAdmin):
    """The page of results of one survey."""

    def results_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not may_see_results(request.user):
            raise PermissionDenied
        survey = get_object_or_404(Survey, pk=pk)
        hidden = rights_of(request.user).hidden
        figures = results.figures([pk])[pk]
        page = Paginator(results.responses_of(survey), PER_PAGE).get_page(request.GET.get("page"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Results of “%(name)s”") % {"name": survey.name},
            "opts": self.opts, "survey": survey, "figures": figures,
            "rate": "–" if figures.rate is None else f"{number_format(figures.rate * 100, 1)} %",
            "score": None if results.is_hidden(results.SCORE, hidden) else shown_score(results.score_of(survey)),
            "questions": results.options_of(survey, hidden) if figures.responses else [],
            "page": page, "lines": lines_of(list(page.object_list), request.user, hidden),
        }  # fmt: skip
        return TemplateResponse(request, "admin/crm/survey/results.html", context)


def shown_score(score: results.Score | None) -> dict[str, Any] | None:
    if score is None:
        return None
    return {"name": score.name, "figure": number_format(score.figure, 1), "parts": [
        (_("Content"), score.content, "ok"), (_("Neutral"), score.neutral, "muted"),
        (_("Discontent"), score.discontent, "danger"),
    ]}  # fmt: skip


def lines_of(rows: list[SurveyResponse], user: Any, hidden: list[str]) -> list[dict[str, Any]]:
    """The answers of one page: who answered is for those who may see contacts."""
    kind = object_types["contact"]
    known = (
        Contact.objects.in_bulk({row.contact_id for row in rows if row.contact_id}) if may(user, "view", kind) else {}
    )
    found = []
    for row in rows:
        contact = known.get(row.contact_id or 0)
        answers = [value for name, value in row.values.items() if not results.is_hidden(name, hidden)]
        living = contact is not None and contact.deleted_at is None
        found.append(
            {
                "at": row.submitted_at, "answers": answers,
                "who": kind.name_of(contact) if contact is not None else "",
                "url": url_of(kind, contact.pk) if contact is not None and living else "",
                "submission": url_of(object_types[FEEDBACK], row.submission_id),
            }
        )  # fmt: skip
    return found
