"""Finding words in a workflow: where they may stand, and what is told about the places."""

from __future__ import annotations

from typing import Any

import pytest

from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.editor.finding import find

pytestmark = pytest.mark.django_db

DOCUMENT: dict[str, Any] = {
    "format": 1,
    "object": "deal",
    "steps": [
        {"id": "wait", "action": "delay", "params": {"days": 3}, "comment": "Let it rest"},
        {
            "id": "split",
            "action": "branch",
            "branches": [
                {
                    "name": "Großkunden",
                    "criteria": {"all": [{"property": "amount", "operator": "is_greater_than", "value": 500}]},
                    "steps": [
                        {
                            "id": "mail",
                            "action": "send_internal_email",
                            "params": {
                                "to": ["owner"],
                                "subject": "News",
                                "body": f"{'Dear colleague, ' * 9}the <Spring> offer\nends soon. {'Yours, ' * 9}",
                            },
                        }
                    ],
                },
                {"name": "Others", "steps": []},
            ],
        },
    ],
}


def found(wanted: str) -> list[tuple[str, list[str]]]:
    return [(hit.step, hit.places) for hit in find(parse(DOCUMENT), wanted)]


def test_names_settings_texts_branches_and_comments_are_found_whatever_the_capitals() -> None:
    assert found("LET IT") == [("wait", ["Comment: Let it rest"])]
    assert found("grosskunden")[0] == ("split", ["Branch: Großkunden"])
    assert [step for step, _places in found("500")] == ["split"]
    assert found("trigger")[0][0] == "trigger"
    assert [step for step, _places in found("delay")] == ["wait"]
    assert found("news") == [
        ("mail", ["Setting: Email the owner: “News”", "Subject: News"]),
    ]
    assert found("  ") == found("nowhere to be found") == []


def test_a_long_text_is_told_by_the_piece_around_it_and_the_step_by_the_branchings_around_it() -> None:
    [hit] = find(parse(DOCUMENT), "spring> OFFER")
    assert hit.places == ["Text: …lleague, Dear colleague, the <Spring> offer ends soon. Yours, Yours, Your…"]
    assert (hit.name, hit.around) == ("3. Send internal email", ["split"])


def test_finding_takes_the_right_to_view_and_as_many_queries_for_many_steps(
    client: Any, admin_user: Any, django_user_model: Any, django_assert_max_num_queries: Any
) -> None:
    workflow = drafting.create("Offers", "deal", admin_user, DOCUMENT)
    many = [{"id": f"m{i}", **{k: DOCUMENT["steps"][0][k] for k in ("action", "params")}} for i in range(200)]
    big = drafting.create("Big", "deal", admin_user, {**DOCUMENT, "steps": many})
    url = "/admin/workflows/workflow/{}/editor/find/?q={}"
    client.force_login(django_user_model.objects.create_user("ann", is_staff=True))
    assert client.get(url.format(workflow.pk, "spring")).status_code == 403
    client.force_login(admin_user)
    assert [hit["step"] for hit in client.get(url.format(workflow.pk, "spring")).json()["hits"]] == ["mail"]
    with django_assert_max_num_queries(12):
        assert len(client.get(url.format(big.pk, "delay")).json()["hits"]) == 200
