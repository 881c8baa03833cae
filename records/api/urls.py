"""Addresses of the records API; mounted by the project under /api/v1/, after what else it has there."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path

from records.api.association_views import AssociationView
from records.api.event_views import EventTypeView, EventView
from records.api.list_views import ListView
from records.api.merge_views import MergeView
from records.api.object_type_views import ObjectTypeView
from records.api.record_views import RecordView
from records.object_types import ObjectType, object_types


def routes_of(object_type: ObjectType) -> list[URLPattern]:
    def records(**actions: Any) -> Any:
        return RecordView.as_view(actions, object_type=object_type)

    links = AssociationView.as_view(
        {"get": "associations", "post": "associate", "delete": "dissociate"}, object_type=object_type
    )
    base = object_type.plural
    merging = MergeView.as_view({"post": "merge"}, object_type=object_type)
    merges = [path(f"{base}/<int:id>/merge/", merging, name=f"api-{base}-merge")] if object_type.mergeable else []
    return [
        *merges,
        path(f"{base}/", records(get="list", post="create"), name=f"api-{base}"),
        path(f"{base}/batch/", records(post="batch"), name=f"api-{base}-batch"),
        path(
            f"{base}/<int:id>/",
            records(get="retrieve", patch="partial_update", delete="destroy"),
            name=f"api-{base}-one",
        ),
        path(f"{base}/<int:id>/associations/", links, name=f"api-{base}-associations"),
    ]


urlpatterns = [
    path("events/", EventView.as_view({"post": "create"}), name="api-events"),
    path("events/batch/", EventView.as_view({"post": "batch"}), name="api-events-batch"),
    path("event-types/", EventTypeView.as_view({"get": "list"}), name="api-event-types"),
    path("object-types/", ObjectTypeView.as_view({"get": "list"}), name="api-object-types"),
    path("lists/", ListView.as_view({"get": "list", "post": "create"}), name="api-lists"),
    path(
        "lists/<int:id>/",
        ListView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api-lists-one",
    ),
    path("lists/<int:id>/members/", ListView.as_view({"get": "members", "post": "move"}), name="api-lists-members"),
    *(pattern for object_type in object_types.values() for pattern in routes_of(object_type)),
]
