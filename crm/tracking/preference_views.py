"""The page on which a contact says which mail it wants; the link is the proof of who it is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm.tracking import unsubscribing
from crm.tracking.limits import limited
from crm.tracking.links import BrokenLink
from records.api.lengths import longer_than
from records.clock import database_now

ONE_CLICK = "List-Unsubscribe"
BODY_LIMIT = 16_384


# Whoever has the link may say what it wants: mail programs post to it without having opened the page (RFC 8058).
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited("preferences")
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what the contact gets and changes nothing; POST changes it, or unsubscribes by one click."""
    if longer_than(request, BODY_LIMIT):
        return HttpResponse(_("That is more than this page asks for."), status=413, content_type="text/plain")
    try:
        asked = unsubscribing.read(token)
    except BrokenLink:
        return render(request, "crm/tracking/broken_link.html", status=404)
    saved = request.method == "POST"
    if saved and ONE_CLICK in request.POST:
        unsubscribing.leave(asked, database_now())
        return HttpResponse(_("You are unsubscribed."), content_type="text/plain; charset=utf-8")
    if saved:
        wanted = [] if "none" in request.POST else request.POST.getlist("type")
        unsubscribing.choose(asked, wanted, database_now())
    choices = unsubscribing.choices_of(asked.contact_id)
    return render(request, "crm/tracking/preferences.html", {"choices": choices, "saved": saved, "about": asked.type})
