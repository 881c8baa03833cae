"""The admin site: home, sidebar, command palette."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.cache import cache
from django.core.exceptions import NON_FIELD_ERRORS, BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from config import home, navigation, palette
from config.queue_admin import restricted
from config.signing_in import TOO_MANY, SignInForm, seconds_left
from records.clock import database_now
from records.problems import DocumentError
from workflows.health import alerting
from workflows.models import Notification

SHOWN_UNREAD = 100
TROUBLE_SECONDS = 5


View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class HeadraceSite(AdminSite):
    """Django's admin with a home page that shows what runs, a grouped sidebar and a command palette."""

    site_title = "Headrace"
    site_header = "Headrace"
    index_title = _("Home")
    index_template = "admin/home.html"
    site_url = None
    login_form = SignInForm
    #: The skin draws its own sidebar; Django's script for it is not needed.
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """As Django's, but the pages of RQ, which can delete jobs, are for super admins."""
        if getattr(model_or_iterable, "__module__", "").startswith("django_rq.") and admin_class is not None:
            admin_class = restricted(admin_class)
        super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """As Django's, but a NUL character, which no text in the database has, is a bad request and not an error."""

        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            sent = [*request.GET.lists(), *request.POST.lists()]
            if any("\x00" in text for _name, texts in sent for text in texts):
                raise BadRequest("NUL character")
            return view(request, *args, **kwargs)

        return cast(View, super().admin_view(checked, cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """As Django's, saying in HTTP, too, when somebody has to wait before the next try."""
        response: HttpResponse = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if isinstance(form, SignInForm) and form.has_error(NON_FIELD_ERRORS, TOO_MANY):
            response.status_code, response.headers["Retry-After"] = 429, str(seconds_left())
        return response

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [
            path("palette/", self.admin_view(self.palette_view), name="palette"),
            path("home/workflows/", self.admin_view(self.running_view), name="home_running"),
            path("home/start/<slug:goal>/", self.admin_view(require_POST(self.start_view)), name="home_start"),
        ]
        return own + super().get_urls()

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        context["navigation"] = navigation.groups(
            context["available_apps"], request.path, SimpleLazyObject(navigation.waiting_for_somebody),
            navigation.folding(request.COOKIES.get(navigation.REMEMBERED, "")),
        )  # fmt: skip
        context["trouble"] = SimpleLazyObject(lambda: trouble(request))
        context["home_url"] = reverse("admin:index", current_app=self.name)
        context["unread_notifications"] = SimpleLazyObject(lambda: unread(request))
        return context

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        own = {"title": _("Home"), **home.facts(request.user, database_now()), **(extra_context or {})}
        return super().index(request, own)

    def running_view(self, request: HttpRequest) -> HttpResponse:
        """The running workflows with their numbers: a fragment of the home page, loaded after it."""
        context = {"running": home.running(request.user, database_now())}
        return TemplateResponse(request, "admin/home_running.html", context)

    def start_view(self, request: HttpRequest, goal: str) -> HttpResponse:
        """Make a draft from one of the goals and open it in the editor."""
        try:
            workflow = home.start(goal, request.user)
        except DocumentError as error:  # A step of it changes what the person may not edit.
            messages.error(request, str(error.problems[0].message))
            return redirect("admin:index")
        return redirect("admin:workflow_editor", workflow.pk)

    def palette_view(self, request: HttpRequest) -> JsonResponse:
        """What the command palette finds for `q`: pages, workflows and records the person may see."""
        pages = navigation.groups(self.get_app_list(request), request.path)
        return JsonResponse({"groups": palette.search(request.GET.get("q", ""), request.user, pages)})


def trouble(request: HttpRequest) -> alerting.Trouble | None:
    """What is wrong with the engine, for whoever may see workflows; looked at every few seconds only."""
    if not request.user.has_perm("workflows.view_workflow"):
        return None
    return cache.get_or_set("trouble", lambda: alerting.trouble(database_now()), TROUBLE_SECONDS)


def unread(request: HttpRequest) -> int:
    """How many notifications a person has not read; counting stops at 100."""
    if not request.user.is_authenticated:
        return 0
    return Notification.objects.filter(user=request.user, read_at=None)[:SHOWN_UNREAD].count()
