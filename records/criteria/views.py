"""What the criteria builder asks the server: the catalog of an object type, and how many records match."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from records import criteria, people
from records.api.bodies import body_of
from records.clock import database_now
from records.criteria.catalog import catalog
from records.criteria.diagnosing import why_none
from records.criteria.event_rows import rows_named
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.seeing import hidden_in, may_see

BODY_LIMIT = 1_000_000


def for_viewers(enough: Callable[[Iterable[bool]], bool]) -> Callable[..., Callable[..., HttpResponse]]:
    """Only for staff who may see records of the type: a filter tells what it filters.

    `enough` is `all` or `any` of the types that rows of a log tell of.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, object_type: str) -> HttpResponse:
            if not (request.user.is_authenticated and request.user.is_staff):
                raise PermissionDenied
            rows = None if object_type in object_types else rows_named(object_type)
            kind, told = rows or (object_types.get(object_type), (object_type,))
            if kind is None:
                raise Http404(_("There is no object type “%(slug)s”.") % {"slug": object_type})
            if not enough(may_see(request.user, object_types[slug]) for slug in told):
                raise PermissionDenied
            return view(request, kind)

        return checked

    return decorate


@never_cache
@require_GET
def people_view(request: HttpRequest) -> HttpResponse:
    """The users a text (`q`) may mean, for whoever may see records of some type: these have owners."""
    if not (request.user.is_authenticated and request.user.is_staff):
        raise PermissionDenied
    if not any(may_see(request.user, kind) for kind in object_types.values()):
        raise PermissionDenied
    text = request.GET.get("q", "")
    found = people.named(text)[: people.SUGGESTED] if text.strip() and "\x00" not in text else ()
    return JsonResponse({"people": [{"value": user.get_username(), "label": str(user)} for user in found]})


@never_cache
@require_GET
@for_viewers(any)
def catalog_view(request: HttpRequest, object_type: ObjectType) -> HttpResponse:
    """Properties, operators and associations of an object type."""
    return JsonResponse(catalog(object_type, request.user))


@never_cache
@require_POST
@for_viewers(all)
def count_view(request: HttpRequest, object_type: ObjectType) -> HttpResponse:
    """How many records match now, five of them, and the sentence; 400 with every problem otherwise.

    The number may be about; with “exact” in the request it is counted, which takes a while where there are many.
    """
    sent: Any = None
    try:
        sent = json.loads(body_of(request, BODY_LIMIT))
        zone = zoneinfo.ZoneInfo(sent.get("zone") or "UTC") if isinstance(sent, dict) else None
    except (ValueError, RecursionError, TypeError, OSError, zoneinfo.ZoneInfoNotFoundError):
        zone = None
    if zone is None:
        message = _("Send a JSON object with “criteria” and, if you like, “zone”, of at most 1 MB.")
        return JsonResponse({"problems": [{"path": "", "message": message}]}, status=400)
    try:
        compiled = criteria.compile(sent.get("criteria"), object_type, now=database_now(), zone=zone)
    except DocumentError as error:
        return JsonResponse({"problems": [problem.as_json() for problem in error.problems]}, status=400)
    if hidden := hidden_in(request.user, compiled):
        message = _("The criteria look at %(what)s, which you may not see. Leave that out.")
        return JsonResponse({"problems": [{"path": "", "message": message % {"what": hidden}}]}, status=403)
    return JsonResponse(matches(compiled, exact=sent.get("exact") is True))


def matches(compiled: criteria.Compiled, *, exact: bool = False) -> dict[str, Any]:
    found = compiled.match_count(exact=exact)
    # Rows of a log have no names.
    samples = compiled.samples() if found.exact and found.number and compiled.object_type.slug in object_types else []
    return {
        "count": found.number,
        "exact": found.exact,
        "offer": "" if found.exact or exact else _("Count exactly"),
        "summary": summary(compiled, found.number, found.exact),
        "sentence": compiled.text,
        "samples": [{"id": pk, "name": name} for pk, name in samples],
        "why_none": why_none(compiled) if found.exact and not found.number else "",
    }


def summary(compiled: criteria.Compiled, number: int, exact: bool) -> str:
    """“1,284 deals match now”."""
    kind = compiled.object_type
    values = {
        "count": number_format(number, use_l10n=True, force_grouping=True),
        "record": kind.label,
        "records": kind.label_plural,
    }
    if kind.slug not in object_types:
        return ngettext("%(count)s such event so far", "%(count)s such events so far", number) % values
    if not exact:
        return _("About %(count)s %(records)s match now") % values
    return ngettext("%(count)s %(record)s matches now", "%(count)s %(records)s match now", number) % values
