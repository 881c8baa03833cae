"""Who reads an answer is who sent the request, by session or by token, and nobody once it is answered."""

from __future__ import annotations

import threading
from typing import ClassVar

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from crm.models import User
from records.api.authentication import Right
from records.api.schema import Route
from records.api.tokens import issue
from records.api.views import ApiView
from records.clock import database_now
from records.models import Scope
from records.seeing import read_by, reader
from tests.api.conftest import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
#: Who read, seen from inside of the requests, and in which threads they were answered.
seen: list[tuple[str, int]] = []


def note() -> None:
    user = reader.get()
    seen.append((user.username if user is not None else "nobody", threading.get_ident()))


class Probe(ApiView):
    group = "probe"
    routes: ClassVar = {
        "list": Route(Right(Scope.WORKFLOWS_READ), "Look"),
        "create": Route(Right(Scope.WORKFLOWS_READ), "Fail"),
    }

    def list(self, request: Request) -> Response:
        note()
        return Response({})

    def create(self, request: Request) -> Response:
        note()
        raise RuntimeError("planted")


def look(request: HttpRequest) -> HttpResponse:
    note()
    if request.method == "POST":
        raise RuntimeError("planted")
    return HttpResponse("")


api = Probe.as_view({"get": "list", "post": "create"})
urlpatterns = [path("api/v1/probe/", api), path("page/", look)]


@pytest.fixture(autouse=True)
def forgotten() -> None:
    seen.clear()


def told() -> list[str]:
    """Who read, in the thread of this test; nobody does any more."""
    assert reader.get() is None
    assert {thread for _name, thread in seen} == {threading.get_ident()}
    return [name for name, _thread in seen]


def test_nobody_is_remembered_who_read_by_token_or_session_or_whose_request_failed() -> None:
    ann, bob = User.objects.create_user("ann"), User.objects.create_user("bob")
    by_token = client_of(ann)
    by_session = Client(raise_request_exception=False)
    by_session.force_login(bob)
    by_token.raise_request_exception = False
    assert by_token.send("GET", "probe/").status_code == 200
    assert told() == ["ann"]
    assert by_session.get("/page/").status_code == 200
    assert told() == ["ann", "bob"]
    assert by_token.send("POST", "probe/", {}).status_code == 500
    assert by_session.post("/page/").status_code == 500
    assert told() == ["ann", "bob", "ann", "bob"]
    assert by_token.send("POST", "probe/", {}, Idempotency_Key="once").status_code == 500
    assert Client().get("/page/").status_code == 200
    assert told() == ["ann", "bob", "ann", "bob", "ann", ""]


def test_where_no_middleware_has_been_the_view_itself_forgets_who_read() -> None:
    ann = User.objects.create_user("ann")
    _token, secret = issue(ann, list(Scope), now=database_now())
    request = RequestFactory().get("/api/v1/probe/", HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert api(request).status_code == 200
    assert told() == ["ann"]
    with read_by(ann):
        refused = api(RequestFactory().get("/api/v1/probe/"))
        assert refused.status_code == 401 and reader.get() is ann, "as it was before"
