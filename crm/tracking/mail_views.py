"""Where mail services post what happened to mails: Anymail's webhooks, which nobody may call without the secret."""

from __future__ import annotations

import logging

from anymail import urls as services
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern
from django.views.decorators.csrf import csrf_exempt

from crm.tracking import mailing

logger = logging.getLogger(__name__)
known = URLResolver(RegexPattern(r"^"), services.urlpatterns)


@csrf_exempt
def mail_events(request: HttpRequest, path: str) -> HttpResponseBase:
    """`/anymail/SERVICE/tracking/` and `…/inbound/`, as the documentation of Anymail names them."""
    if not mailing.secret():
        raise Http404
    try:
        found = known.resolve(path)
        return found.func(request, *found.args, **found.kwargs)
    except Resolver404:
        raise Http404 from None
    except ImproperlyConfigured as error:
        logger.warning("A mail service was refused, as its settings are incomplete: %s", error)
        raise Http404 from None
