"""The API's root: where the apps' routes, the OpenAPI document and the reply for everything else meet."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import Resolver404, include, path, re_path, resolve
from django.utils.translation import gettext as _
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from records.api.authentication import BearerAuthentication
from records.api.parsing import AlwaysJson
from records.api.problem_details import ApiProblem, handle


class SchemaView(SpectacularAPIView):
    """The OpenAPI document, for whoever has a token: it names the installation's own properties."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get_exception_handler(self) -> Any:
        return handle


class NowhereView(APIView):
    """What no route of the API answers."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson
    schema = None

    def get_exception_handler(self) -> Any:
        return handle

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        self.headers = {}
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        response = handle(ApiProblem("not_found", advice(request)), {"request": self.request})
        return self.finalize_response(self.request, response)


def advice(request: HttpRequest) -> str:
    if not request.path.endswith("/"):
        try:
            if resolve(f"{request.path}/").url_name != "api-nowhere":
                return _("There is nothing at “%(path)s”. Its address ends with a slash.") % {"path": request.path}
        except Resolver404:
            pass
    message = _("There is nothing at “%(path)s”. /api/v1/schema/ lists every address there is.")
    return message % {"path": request.path}


urlpatterns = [
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("", include("workflows.api.urls")),
    path("", include("crm.api.urls")),
    path("", include("records.api.urls")),
    re_path("", NowhereView.as_view(), name="api-nowhere"),
]
