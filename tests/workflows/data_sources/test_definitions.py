"""Data sources as a part of definitions: what is refused and why, who may use them, what is done to drafts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from crm.models import Deal, User
from records.models import Access
from records.problems import DocumentError
from tests.api.conftest import person
from tests.workflows.building import step
from tests.workflows.restricted import member
from workflows import drafting
from workflows.data_sources.declared import LIMIT
from workflows.definitions import checking, touching
from workflows.definitions.parsing import parse
from workflows.drafting import clipboard, ops
from workflows.drafting.telling import told
from workflows.editor.data_panel import DataPanel

pytestmark = pytest.mark.django_db
NEWEST = {"id": "newest", "name": "Newest deal", "object": "deal", "condition": "association"}
TASK = step("t", "create_task", title="{{ newest.name }}")


def document(*sources: Any, steps: Any = (TASK,), kind: str = "contact") -> dict[str, Any]:
    trigger = {"kind": "manual"}
    return {"format": 1, "name": "T", "object": kind, "trigger": trigger, "sources": [*sources], "steps": [*steps]}


def problems(found: dict[str, Any], user: Any = None) -> dict[str, str]:
    listed = checking.errors(checking.problems(parse(found), user=user))
    return {one.path: str(one.message) for one in listed}


@pytest.mark.covers("DAT-06", "DAT-07", "DAT-13")
def test_a_source_that_is_set_up_may_be_published_and_used() -> None:
    assert problems(document(NEWEST)) == {}


def test_a_source_found_by_what_somebody_may_not_see_shows_that_person_nothing() -> None:
    source = {"id": "same", "name": "Same", "object": "deal", "condition": "property_equals", "property": "amount"}
    draft = parse(document({**source, "value": "5"}, kind="deal"))
    record, found = Deal.objects.create(name="Mine"), Deal.objects.create(name="Rich", amount=5)
    for user, shown in ((member("sees", None), True), (member("not", Access.NONE), False)):
        panel = DataPanel(draft, None, user, kind="token", chosen="same", record=record)
        values = {offer.value for offer in panel.offers}
        assert (found.name in values, panel.previewed, not panel.told_later) == (shown, shown, shown)
        assert shown or values == {""}


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"name": ""}, "name", "name of 1 to 100 characters"),
        ({"id": "company"}, "id", "already stands for"),
        ({"object": "spaceship"}, "object", "“spaceship” cannot be “object”"),
        ({"object": "form"}, "object", "Use one of"),
        ({"condition": "nearby"}, "condition", "Use one of: association, property_match, property_equals"),
        ({"pick": "best"}, "pick", "Use one of: last_updated, last_created, first_created"),
        ({"property": "name"}, "property", "does not belong to the condition"),
        ({"condition": "property_match", "property": "amount", "same_as": "city"}, "same_as", "never the same"),
        ({"condition": "property_match", "property": "nope", "same_as": "city"}, "property", "“nope” cannot be"),
        ({"condition": "property_equals", "property": "name"}, "value", "Say which value"),
        ({"condition": "property_equals", "property": "amount", "value": "much"}, "value", "much"),
    ],
)
def test_publishing_names_the_field_the_value_and_the_remedy(change: dict[str, str], path: str, says: str) -> None:
    found = problems(document(NEWEST | change, steps=[step("t", "create_task", title="Call")]))
    assert list(found) == [f"sources.0.{path}"]
    assert says in found[f"sources.0.{path}"]


@pytest.mark.parametrize(
    ("sources", "path"),
    [
        (["newest"], "sources.0"),
        ([NEWEST | {"more": 1}], "sources.0.more"),
        ([NEWEST | {"id": "Newest"}], "sources.0.id"),
        ([NEWEST | {"id": "event"}], "sources.0.id"),
        ([NEWEST, NEWEST], "sources.1.id"),
        ([NEWEST | {"name": 3}], "sources.0.name"),
    ],
)
def test_what_is_no_source_cannot_even_be_kept_in_a_draft(sources: list[Any], path: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse(document(*sources))
    assert [problem.path for problem in refused.value.problems] == [path]


@pytest.mark.covers("DAT-04", "LIM-03")
def test_a_workflow_has_fifty_sources_at_most() -> None:
    many = [NEWEST | {"id": f"s{i}", "name": f"S{i}"} for i in range(LIMIT + 1)]
    parse(document(*many[:50]))
    with pytest.raises(DocumentError, match="50 data sources at most; you sent 51"):
        parse(document(*many))


def test_an_unknown_token_of_a_source_or_of_no_source_is_an_error_with_what_there_is() -> None:
    steps = [step("t", "create_task", title="{{ newest.colour }}", body="{{ gone.name }}")]
    found = problems(document(NEWEST, steps=steps))
    assert "“newest.colour”" in found["steps.0.params.title"]
    assert "newest.amount" in found["steps.0.params.title"]
    assert "contact.city" not in found["steps.0.params.title"]
    assert "newest.…" in found["steps.0.params.body"]
    copied = [step("s", "edit_record", property="city", copy_from="newest.colour")]
    assert (
        "“newest.colour” cannot be chosen here" in problems(document(NEWEST, steps=copied))["steps.0.params.copy_from"]
    )


def test_what_a_definition_reads_includes_what_its_sources_are_found_by() -> None:
    near = {
        "id": "near", "name": "Near", "object": "company", "condition": "property_match", "property": "domain",
        "same_as": "city",
    }  # fmt: skip
    steps = [TASK, step("s", "edit_record", property="city", copy_from="near.name")]
    found = touching.reads(parse(document(NEWEST, near, steps=steps)))
    assert {"deal.name", "company.name", "company.domain", "contact.city"} <= found
    assert "deal.amount" not in found


def test_who_may_not_view_the_records_of_a_source_cannot_publish_steps_that_tell_them() -> None:
    rights = ("workflows.publish_workflow", "crm.add_task", "crm.view_contact", "crm.view_task")
    ann, ben = person("ann", *rights), person("ben", *rights, "crm.view_deal")
    assert "you may not view deals" in problems(document(NEWEST), ann)["steps.0.params"]
    assert problems(document(NEWEST), ben) == {}


@pytest.mark.covers("DAT-16")
def test_sources_are_added_and_taken_out_of_a_draft_one_by_one_and_this_can_be_undone() -> None:
    before = document()
    added = {"op": "add_source", "source": {key: NEWEST[key] for key in ("name", "object", "condition")}}
    after, inverse, _selected = ops.apply(before, added)
    twice, _inverse, _selected = ops.apply(after, added)
    assert [source["id"] for source in twice["sources"]] == ["newest_deal", "newest_deal_2"]
    assert ops.apply(after, inverse)[0] == before
    gone, inverse, _selected = ops.apply(twice, {"op": "remove_source", "source": "newest_deal"})
    assert [source["id"] for source in gone["sources"]] == ["newest_deal_2"]
    assert ops.apply(gone, inverse)[0] == twice
    assert told(added) == "added the data source “Newest deal”"
    with pytest.raises(DocumentError, match="no data source “newest_deal”"):
        ops.apply(gone, {"op": "remove_source", "source": "newest_deal"})


def test_a_source_is_changed_in_its_place_keeps_its_id_and_this_can_be_undone() -> None:
    before = document(NEWEST, NEWEST | {"id": "spare", "name": "Spare"})
    wanted = {"name": "Oldest deal", "object": "deal", "condition": "association", "pick": "first_created"}
    change = {"op": "update_source", "source": "newest", "values": {**wanted, "id": "other"}}
    after, inverse, _selected = ops.apply(before, change)
    assert after["sources"] == [{**wanted, "id": "newest"}, before["sources"][1]]
    assert ops.apply(after, inverse)[0] == before
    assert told(change) == "changed the data source “Oldest deal”"
    for wrong in ({"op": "update_source", "source": "nobody", "values": wanted}, {**change, "values": 5}):
        with pytest.raises(DocumentError):
            ops.apply(before, wrong)


def test_the_form_shows_a_source_as_it_is_and_sends_what_becomes_of_it(admin_client: Client, admin_user: User) -> None:
    home = drafting.create("Home", "contact", admin_user, document(NEWEST, NEWEST | {"id": "spare", "name": "Spare"}))
    room = f"/admin/workflows/workflow/{home.pk}/editor/data/"
    listed = admin_client.get(f"{room}sources/").content.decode()
    assert 'data-edit="newest"' in listed and 'data-edit="deal"' not in listed, "only those people have added"
    form = admin_client.get(f"{room}sources/?new=&edit=newest").content.decode()
    assert 'value="Newest deal"' in form and 'name="edit" value="newest"' in form
    facts = {key: NEWEST[key] for key in ("name", "object", "condition")} | {"edit": "newest"}
    kept = admin_client.post(f"{room}check/", {**facts, "pick": "first_created"}).json()
    assert kept["op"]["op"] == "update_source" and kept["op"]["source"] == "newest"
    assert kept["op"]["values"]["pick"] == "first_created" and kept["op"]["values"]["id"] == "newest"
    taken = admin_client.post(f"{room}check/", {**facts, "name": "Spare"}).json()
    assert "There is a data source “Spare” already" in taken["form"]
    assert admin_client.get(f"{room}sources/?new=&edit=nobody").status_code == 404
    assert admin_client.post(f"{room}check/", {**facts, "edit": "nobody"}).status_code == 404


def test_copied_steps_bring_the_sources_they_use_to_another_workflow() -> None:
    ann = User.objects.create_superuser("ann")
    home = drafting.create("Home", "contact", ann, document(NEWEST, NEWEST | {"id": "spare", "name": "Spare"}))
    away = drafting.create("Away", "contact", ann, document(steps=()))
    revision = drafting.shown(home)
    assert revision is not None
    text = clipboard.as_text(clipboard.copied(home, revision.definition, ["t"]))
    fitted = clipboard.fitted(text, away, document(steps=()), "steps.0", ann)
    assert (fitted.sources, fitted.notes) == ([NEWEST], [])
    pasted = {"op": "paste", "at": "steps.0", "steps": fitted.steps, "sources": fitted.sources}
    after, _inverse, _selected = ops.apply(document(steps=()), pasted)
    assert after["sources"] == [NEWEST]
    other = document(NEWEST | {"label": "friend"}, steps=())
    fitted = clipboard.fitted(text, away, other, "steps.0", ann)
    assert fitted.sources == []
    assert "another data source “newest”" in fitted.notes[0]
