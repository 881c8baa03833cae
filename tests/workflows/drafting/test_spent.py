"""The id of a step that is still live is given to no other step."""

from __future__ import annotations

import pytest

from tests.workflows.building import NOW, make_workflow, step
from workflows import drafting


@pytest.mark.django_db
def test_a_new_step_does_not_get_the_id_of_a_deleted_one_at_which_records_may_stand() -> None:
    workflow = make_workflow([step("delay", "delay", days=1), step("end", "end")])
    gone = drafting.apply(workflow, {"op": "delete", "step": "delay"}, rev=0, user=None, now=NOW)
    add = {"op": "insert", "at": "steps.0", "step": {"action": "delay"}, "spent": ["delay-2"]}
    added = drafting.apply(workflow, add, rev=gone.revision.rev, user=None, now=NOW)
    # What a client sends as spent is not heeded.
    assert added.selected == "delay-2"
    back = drafting.undo(workflow, rev=added.revision.rev, user=None, now=NOW)
    back = drafting.undo(workflow, rev=back.revision.rev, user=None, now=NOW)
    assert drafting.step_of(back.revision.definition, "delay") is not None
