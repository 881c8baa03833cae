"""What an event type says: on which records it happens, and which typed facts each occurrence carries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from records.properties import Property, Text
from records.registry import Registry

event_types = Registry("event type")


@dataclass(frozen=True, eq=False)
class EventType:
    """One kind of thing that happens to records.

    `object_types`: on which records it happens; () is all of them. `properties`: the facts of one occurrence; those
    marked `required` must be there. `told`: whether a record's timeline tells of it. `counted`: whether occurrences
    are kept for filters whoever listens; one that is not is recorded only while somebody waits for it or is triggered
    by it. `ingested`: whether the API takes occurrences of it. `permission`: who lacks it is not offered the event
    and may not bring it into a workflow (TRG-12); "" is everybody. `spec`: the rows of the specification it carries
    out, for docs/triggers.md. `unfinished`: a sentence that says what is still to be done before anything can begin
    with it. `sentence`: an occurrence as a timeline tells it, with the facts in it as %(slug)s; told without it where
    one is missing. `quiet`: facts, as slug and stored value, with which an occurrence counts, but triggers nothing.
    `doubtful`: the fact that says a machine did it, and why an occurrence alone says little; None where people do.
    `quoting`: facts with values of any properties of records in them: for people who may see all of these only.
    """

    slug: str
    label: Text
    category: Text
    object_types: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()
    description: Text = ""
    custom: bool = False
    told: bool = True
    counted: bool = True
    ingested: bool = True
    permission: str = ""
    spec: tuple[str, ...] = ()
    #: Why filters on it can never enroll a record again (REN-03, REN-05); "" where they can.
    never_again: Text = ""
    unfinished: Text = ""
    sentence: Text = ""
    quiet: tuple[tuple[str, str], ...] = ()
    quoting: tuple[str, ...] = ()
    doubtful: tuple[str, Text] | None = None

    @property
    def ours(self) -> bool:
        """Whether Headrace itself tells of it, as of joining a list: of records that are there, when it finds it out.

        Then its order is that of the events' ids. Whoever finds it out may have read the clock a moment before.
        """
        return not (self.ingested or self.custom)

    def happens_to(self, object_type: str) -> bool:
        """Whether it happens to records of this type."""
        return not self.object_types or object_type in self.object_types

    def known_properties(self) -> dict[str, Property]:
        """The facts of an occurrence by slug."""
        return {prop.slug: prop for prop in self.properties}


def fact(slug: str, label: Text, type: str = "text", **more: Any) -> Property:
    """A property of an event, for the tables of event types."""
    return Property(slug, label, type, **more)


@dataclass(frozen=True)
class Source:
    """Event types another package keeps in a table of its own: all of them, and the one of a slug."""

    every: Callable[[], Iterable[EventType]]
    named: Callable[[str], EventType | None]


#: Whoever defines event types as data adds a source when the apps are ready.
sources: list[Source] = []
