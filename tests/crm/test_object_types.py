"""What every kind of record can do, whatever it is: the same for all in the registry."""

from __future__ import annotations

from typing import Any

import pytest

from crm.admin.columns import DEFAULTS, choices
from crm.models import Inbox, TaskQueue
from records import criteria
from records.associations import associations_of
from records.categories import categories
from records.clock import database_now
from records.criteria.operators import operators_for
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.properties import Property
from records.saving import Row, save_batch
from tests.api.conftest import SCOPES, client_of
from workflows import drafting

pytestmark = pytest.mark.django_db
EVERY = sorted(slug for slug, kind in object_types.items() if kind.model._meta.app_label == "crm")
#: A value of each property type as a client sends it, and one that is greater or simply another.
SAMPLES: dict[str, tuple[Any, Any]] = {
    "text": ("Blue", "Red"), "multi_line": ("Some words", "Others"), "email": ("ann@example.com", "bo@example.com"),
    "url": ("https://example.com/a", "https://example.com/b"), "phone": ("+46 8 123 456", "+46 8 999 999"),
    "number": (7, 8), "currency": (12.5, 99), "boolean": (True, False), "date": ("2026-03-01", "2026-03-02"),
    "datetime": ("2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _queue_and_inbox(db: None) -> None:
    """Something to choose for a task and a conversation: a new installation has no queues and no inboxes."""
    TaskQueue.objects.create(slug="inbound", name="Inbound")
    Inbox.objects.create(slug="support", name="Support")


def writable(kind: ObjectType) -> dict[str, Property]:
    return {
        slug: prop
        for slug, prop in kind.properties().items()
        if not prop.read_only and prop.calculated is None and prop.type not in ("user", "multi_select")
    }


def sample(prop: Property, which: int = 0) -> Any:
    if prop.type == "select":
        options = [option.value for option in prop.options]
        return options[min(which, len(options) - 1)]
    value = SAMPLES[prop.type][which]
    return value[:3] if prop.slug == "currency" else value


def filled(kind: ObjectType, which: int = 0) -> dict[str, Any]:
    """A value for every property that can be written, but pipelines, which follow from their stages."""
    return {slug: sample(prop, which) for slug, prop in writable(kind).items() if slug != "pipeline"}


@pytest.mark.parametrize("slug", EVERY)
def test_a_record_is_made_found_changed_and_deleted_through_the_api(slug: str, boss: Any) -> None:
    kind, api = object_types[slug], client_of(boss, *SCOPES)
    values = filled(kind)
    made = api.send("POST", f"{kind.plural}/", {"properties": values})
    assert made.status_code == 201, made.document
    place = f"{kind.plural}/{made.document['id']}/"
    shown = api.send("GET", place).document
    told = shown["properties"]
    assert {key: told[key] for key in values if SAMPLES.get(writable(kind)[key].type) is None} == {
        key: value for key, value in values.items() if SAMPLES.get(writable(kind)[key].type) is None
    }
    assert shown["created_at"] and shown["id"] == made.document["id"]
    name = kind.name_property
    assert api.send("PATCH", place, {"properties": {name: "changed@example.com"}}).status_code == 200
    assert api.send("GET", place).document["properties"][name] == "changed@example.com"
    assert api.send("DELETE", place).status_code == 204
    assert api.send("GET", place).status_code == 404


@pytest.mark.parametrize("slug", EVERY)
def test_a_record_is_added_shown_deleted_and_restored_in_the_admin(slug: str, admin_page: Any) -> None:
    kind = object_types[slug]
    base = f"/admin/crm/{kind.model._meta.model_name}"
    values = {key: value for key, value in filled(kind).items() if writable(kind)[key].type not in ("boolean",)}
    values |= {
        key: str(value).removesuffix("Z") for key, value in values.items() if writable(kind)[key].type == "datetime"
    }
    answer = admin_page.post(f"{base}/add/", values, follow=True)
    record = kind.records().get()
    page = answer.content.decode()
    assert kind.name_of(record).split("<")[0][:40] in page and "timeline-change" in page
    shown = admin_page.get(f"{base}/").content.decode()
    assert f"{base}/{record.pk}/change/" in shown
    admin_page.post(f"{base}/{record.pk}/delete/")
    assert not kind.records().exists()
    admin_page.post(f"{base}/{record.pk}/restore/")
    assert kind.records().get() == record
    assert f'href="{base}/"' in admin_page.get("/admin/").content.decode(), "the sidebar leads there"


@pytest.mark.covers("FLT-01", "FLT-16", "FLT-18")
@pytest.mark.parametrize("slug", EVERY)
def test_records_are_filtered_by_each_of_their_properties(slug: str) -> None:
    kind = object_types[slug]
    name = kind.name_property
    first, second = (
        saved.id
        for saved in save_batch(kind, [Row(filled(kind) | {name: "a@example.com"}), Row({name: "b@example.com"})])
    )
    now = database_now()
    for slug_of, prop in writable(kind).items():
        known = operators_for(prop)
        found = criteria.compile({"all": [{"property": slug_of, "operator": "is_known"}]}, kind, now=now).records()
        assert first in found.values_list("pk", flat=True) or slug_of == "pipeline", slug_of
        for operator in ("is_any_of", "is_equal_to_any_of", "is_equal_to", "is_on"):
            if operator not in known or slug_of in (name, "pipeline"):
                continue
            value = sample(prop)
            several = operator in ("is_any_of", "is_equal_to_any_of")
            node = {"property": slug_of, "operator": operator, "value": [value] if several else value}
            try:
                matching = set(criteria.compile({"all": [node]}, kind, now=now).records().values_list("pk", flat=True))
            except DocumentError:
                continue
            assert first in matching, node
            assert second not in matching or prop.read(kind.model.objects.get(pk=second)) is not None, node


def test_associations_say_the_same_at_both_ends() -> None:
    for slug in EVERY:
        for other in associations_of(slug).values():
            assert slug in associations_of(other.to), f"{slug} → {other.to.slug}"


@pytest.mark.covers("TRG-11")
def test_every_type_is_found_under_a_heading_that_exists() -> None:
    found = {slug: str(categories[object_types[slug].category].label) for slug in EVERY}
    activities = {slug for slug, label in found.items() if label == "Activities"}
    assert activities == {"task", "note", "conversation", "meeting", "call", "email"}
    assert found["line_item"] == "Line items" and found["feedback_submission"] == "Feedback"
    assert {slug for slug, label in found.items() if label == "Commerce"} == {
        "quote", "recurring_subscription", "payment", "invoice",
    }  # fmt: skip


@pytest.mark.parametrize("slug", EVERY)
def test_the_usual_columns_of_every_list_exist(slug: str, boss: Any) -> None:
    assert set(DEFAULTS[slug]) <= dict(choices(object_types[slug], boss)).keys()


ENROLLED = (
    "OBJ-01", "OBJ-02", "OBJ-03", "OBJ-04", "OBJ-07", "OBJ-09", "OBJ-10", "OBJ-11", "OBJ-12", "OBJ-13", "OBJ-14",
    "OBJ-16", "OBJ-18", "OBJ-19", "OBJ-22",
)  # fmt: skip


@pytest.mark.covers(*ENROLLED)
@pytest.mark.parametrize("slug", [slug for slug in EVERY if object_types[slug].enrolls])
def test_workflows_enroll_records_of_the_type(slug: str, boss: Any) -> None:
    from workflows.lifecycle import publishing
    from workflows.models import Enrollment
    from workflows.processes.ticking import tick

    kind = object_types[slug]
    known = {"property": kind.name_property, "operator": "is_known"}
    definition = {
        "format": 1, "object": slug, "trigger": {"kind": "filter", "criteria": {"all": [known]}},
        "steps": [{"id": "wait", "action": "delay", "params": {"days": 1}}],
    }  # fmt: skip
    workflow = drafting.create("All", slug, boss, definition)
    publishing.publish(workflow, by=boss, now=database_now(), enroll_existing=False)
    (saved,) = save_batch(kind, [Row({kind.name_property: "a@example.com"})])
    tick(database_now())
    assert list(Enrollment.objects.values_list("workflow", "record_id")) == [(workflow.pk, saved.id)]


def test_line_items_are_reached_as_associated_records_only(boss: Any, admin_page: Any) -> None:
    with pytest.raises(DocumentError, match="cannot be about"):
        drafting.create("No", "line_item", boss)
    assert 'value="line_item"' not in admin_page.get("/admin/workflows/workflow/add/").content.decode()
    assert "enroll_selected" not in admin_page.get("/admin/crm/lineitem/").content.decode()
