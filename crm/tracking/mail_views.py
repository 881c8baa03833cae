"""Where mail services post what happened to mails: Anymail's webhooks, which nobody may call without the secret."""

from __future__ import annotations

import logging

from anymail import urls as services
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern
from django.views.decorators.csrf import csrf_exempt

from crm.tracking import mailing
from crm.tracking.limits import too_many, within_limit

#: How much more a mail service may send than a visitor.
FOR_SERVICES = 10
logger = logging.getLogger(__name__)
known = URLResolver(RegexPattern(r"^"), services.urlpatterns)


@csrf_exempt
def mail_events(request: HttpRequest, path: str) -> HttpResponseBase:
    """`/anymail/SERVICE/tracking/` and `…/inbound/`, as the documentation of Anymail names them."""
    if not mailing.secret():
        raise Http404
    if not within_limit(request, "mail", FOR_SERVICES * settings.TRACKING_REQUEST_LIMIT):
        return too_many()
    try:
        found = known.resolve(path)
        return found.func(request, *found.args, **found.kwargs)
    except Resolver404:
        raise Http404 from None
    except ImproperlyConfigured as error:
        logger.warning("A mail service was refused, as its settings are incomplete: %s", error)
        raise Http404 from None
