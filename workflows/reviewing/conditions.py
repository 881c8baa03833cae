"""The criteria of a definition, made to compare: what is known of a record where it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from records import criteria
from records.criteria import Compiled
from records.object_types import object_types
from records.problems import DocumentError
from workflows.definitions.definition import Branch, Definition, Step
from workflows.times.wall_time import workflow_zone
from workflows.triggers.schedule import ALL_RECORDS

#: The steps of which the way says something about the record that takes it.
BRANCH, DECIDING = "branch", ("branch", "value_branch")
#: The operator that says that a property has one of some values, by the family of its type.
ANY_OF = {"select": "is_any_of", "user": "is_any_of", "text": "is_equal_to_any_of"}
#: Conditions, and whether they are met.
Known = tuple[tuple[Compiled, bool], ...]


@dataclass(frozen=True)
class Conditions:
    """A definition's criteria at an instant. What cannot be read is left out: the checks of the parts tell of it."""

    definition: Definition
    now: dt.datetime
    #: What was compiled, by the document's identity; with the document, which keeps the identity its own.
    before: dict[int, tuple[Any, Compiled | None]] = field(default_factory=dict, repr=False, compare=False)

    def compiled(self, document: Any) -> Compiled | None:
        """Criteria about the definition's records; None without any, and for those that cannot be read."""
        if not document or document == ALL_RECORDS:
            return None
        if id(document) not in self.before:
            self.before[id(document)] = document, self.made(document)
        return self.before[id(document)][1]

    def made(self, document: Any) -> Compiled | None:
        zone = workflow_zone(self.definition.settings)
        try:
            return criteria.compile(document, object_types[self.definition.object], now=self.now, zone=zone)
        except DocumentError:
            return None

    @cached_property
    def trigger(self) -> Compiled | None:
        """What every record meets when it is enrolled."""
        return self.compiled(self.definition.trigger.criteria)

    @cached_property
    def branches(self) -> Mapping[tuple[str, int], Compiled]:
        """What who takes a branch meets, by the step's id and the number of the branch: criteria, or one of values."""
        found = {}
        for step in self.definition.walk():
            for index, branch in enumerate(step.branches):
                asked = branch.criteria if step.action == BRANCH else self.one_of(step, branch)
                if step.action in DECIDING and (compiled := self.compiled(asked)):
                    found[step.id, index] = compiled
        return found

    def one_of(self, step: Step, branch: Branch) -> dict[str, Any] | None:
        """A value branch's values as a filter; None for those of an output, and of a type that has several at once."""
        slug = step.params.get("property")
        prop = object_types[self.definition.object].properties().get(str(slug))
        if prop is None or prop.kind.multiple or prop.kind.family not in ANY_OF or not branch.values:
            return None
        return {"all": [{"property": slug, "operator": ANY_OF[prop.kind.family], "value": list(branch.values)}]}

    def way(self, step: Step, index: int) -> Known:
        """What is known of a record that takes a branch: it meets its criteria, and none of those before."""
        before = tuple((self.branches[step.id, i], False) for i in range(index) if (step.id, i) in self.branches)
        own = self.branches.get((step.id, index))
        return before if own is None else (*before, (own, True))

    @cached_property
    def arriving(self) -> dict[str, Known]:
        """By step what is still known of each record that comes to it: nothing has been done to it in between."""
        start: Known = ((self.trigger, True),) if self.trigger else ()
        return dict(self.spread(self.definition.steps, start))

    def spread(self, steps: tuple[Step, ...], known: Known) -> Iterator[tuple[str, Known]]:
        for place, step in enumerate(steps):
            # Only the first step of a row is come to straight from above; later ones after something was done.
            here = known if not place and not self.come_to_again(step) else ()
            yield step.id, here
            for index, branch in enumerate(step.branches):
                taken = self.way(step, index) if step.action in DECIDING else ()
                yield from self.spread(branch.steps, (*here, *taken))

    def come_to_again(self, step: Step) -> bool:
        """Whether records come to a step from elsewhere, too: by a “go to”, or beginning anew."""
        return len(self.definition.sources.get(step.id, ())) > (0 if step.id == self.definition.first else 1)
