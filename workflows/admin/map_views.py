"""The map of dependencies: as a picture, as a table, as a file."""

from __future__ import annotations

import csv
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.clock import database_now
from records.ids import id_of
from records.spreadsheets import safe
from workflows.dependencies import drawing, mapping
from workflows.dependencies.kinds import kinds
from workflows.dependencies.mapping import Asked, Line
from workflows.models import Workflow
from workflows.rights.opening import openable

#: Lines of the table on a page, and sizes of the picture in percent.
PAGE, ZOOMS = 100, (50, 75, 100, 150)
#: Workflows and characters that are offered, or taken.
OFFERED, TEXT = 1_000, 100
COLUMNS = ("workflow", "status", "version", "does", "kind", "name", "internal name", "where")


class MapViews:
    """Mixed into the workflow's admin."""

    admin_site: Any

    def map_urls(self, wrap: Any) -> list[URLPattern]:
        return [path("map/", wrap(self.map_view), name="workflow_map")]

    def map_view(self, request: HttpRequest) -> HttpResponse:
        """Everything, or what is about `?workflow=`, `?thing=kind:key`, `?kind=`, `?way=`, `?q=`; `&format=csv`."""
        if not request.user.has_perm("workflows.view_workflow"):
            raise PermissionDenied
        asked = asked_in(request)
        found = mapping.map_for(request.user, asked)
        if request.GET.get("format") == "csv":
            return as_file(found.lines)
        zoom = id_of(request.GET.get("zoom", ""))
        picture = drawing.draw(found.lines, asked)
        zoom = zoom if zoom in ZOOMS else 100
        context = self.admin_site.each_context(request) | {
            "title": _("Map of dependencies"), "asked": asked, "found": found, "picture": picture,
            "focus": focus(asked, found.lines), "zoom": zoom, "zooms": ZOOMS, "ways": mapping.WAYS,
            "size": (picture.width * zoom // 100, picture.height * zoom // 100) if picture else (0, 0),
            "kinds": [(slug, capfirst(str(kind.label_plural))) for slug, kind in kinds.items()],
            "workflows": openable(Workflow.objects.filter(deleted_at=None), request.user).order_by("name")[:OFFERED],
            "page": Paginator(found.lines, PAGE).get_page(request.GET.get("page")), "query": query_of(request),
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/map.html", context)


def asked_in(request: HttpRequest) -> Asked:
    kind, _colon, key = request.GET.get("thing", "")[:300].partition(":")
    asked = request.GET.get("kind", "")
    way = request.GET.get("way", "")
    return Asked(
        workflow=id_of(request.GET.get("workflow", "")), thing=(kind, key) if kind in kinds and key else None,
        kind=asked if asked in kinds else "", way=way if way in mapping.WAYS else "",
        text=request.GET.get("q", "").replace("\x00", "")[:TEXT],
    )  # fmt: skip


def focus(asked: Asked, lines: list[Line]) -> str:
    """The name of what the map is about, as far as the person may know it; "" for everything."""
    if asked.thing is not None:
        return next((line.thing.name for line in lines), "")
    if asked.workflow is not None:
        return next((line.workflow.name for line in lines if line.workflow.pk == asked.workflow), "")
    return ""


def query_of(request: HttpRequest) -> str:
    """What was asked, for links to other pages and sizes of the same."""
    kept = [(key, str(value)) for key, value in request.GET.items() if key not in ("page", "zoom", "format")]
    return urlencode(kept)


def as_file(lines: list[Line]) -> HttpResponse:
    """The lines as CSV; what a spreadsheet would compute stands behind an apostrophe."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"dependencies-{database_now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    for line in lines:
        cells = (
            line.workflow.name, line.workflow.status, line.state, line.way, line.thing.kind, line.thing.name,
            line.thing.key, "; ".join(words for _step, words in line.places),
        )  # fmt: skip
        writer.writerow([safe(cell) for cell in cells])
    return response
