"""What one definition depends on, and where in it: read from the document, also where that cannot be parsed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from records.associations import associations_of
from records.event_types import event_types
from records.object_types import object_types
from records.problems import DocumentError
from records.vocabulary import read_once
from workflows.data_sources.uses import read_by
from workflows.definitions import door_checks, touching
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.dependencies.kinds import ACTION, EVENT, PROPERTY, WORKFLOW, filter_keys, valued
from workflows.registries import actions, attachments, events
from workflows.step_forms.params import StepContext

#: Counted up when definitions are read in another way: what was kept of them is read again.
VERSION = "1"
READS, CHANGES, NAMES = "reads", "changes", "names"
#: Places that are no steps; a step's is its id behind STEP.
TRIGGER, DOORS, SUPPRESSION, SOURCES, SETTINGS, STEP = "trigger", "doors", "suppress", "sources", "settings", "step:"
#: What cannot be read further: the definition does not parse.
UNREADABLE = "unreadable"
PLACES = {
    "trigger": TRIGGER, "unenroll": DOORS, "goal": DOORS, "sources": SOURCES, "settings": SETTINGS, "centre": SETTINGS,
}  # fmt: skip
#: Of facts of events that name something, the kind of thing.
FACTS = {"workflow": WORKFLOW, "form": "form"}
JOINS = ("all", "any", "none")
#: What may be chosen in place of a user.
OWNER = ("user", "owner")


class Use(NamedTuple):
    """A definition's use of one thing: of which kind, its key, how, and where."""

    kind: str
    key: str
    way: str
    place: str


@read_once()
def uses_in(document: Any) -> list[Use]:
    """Everything a definition uses, each place once, in order."""
    if not isinstance(document, dict):
        return [Use(UNREADABLE, "", NAMES, "")]
    own = str(document.get("object", ""))
    found = {use for key, place in PLACES.items() for use in named_in(document.get(key), place, own)}
    found |= {Use("list", one, NAMES, SUPPRESSION) for one in texts(document.get("suppress"))}
    found |= set(in_settings(document.get("settings"))) | set(in_steps(document.get("steps"), own))
    try:
        found |= set(properties_of(parse(document)))
    except DocumentError:
        found.add(Use(UNREADABLE, "", NAMES, ""))
    return sorted(found)


def properties_of(definition: Definition) -> Iterator[Use]:
    """What the definition's own plug-ins say they read and change."""
    for place, names in (
        (TRIGGER, touching.trigger_reads(definition)), (DOORS, door_checks.reads(definition)),
        (SOURCES, read_by(definition)),
    ):  # fmt: skip
        yield from (Use(PROPERTY, name, READS, place) for name in names if is_property(name))
    context = StepContext(definition)
    for step in definition.walk():
        action, here, place = actions[step.action], context.at(step), STEP + step.id
        yield from (Use(PROPERTY, name, READS, place) for name in action.reads(step.params, here) if is_property(name))
        for name in action.writes(step.params, here):
            if is_property(name):
                yield Use(PROPERTY, name, CHANGES, place)
                yield from values_in([*step.params.values()], name, CHANGES, place)


def is_property(name: str) -> bool:
    """Whether it is a property itself; what criteria watch besides, as places in lists, has a colon in its name."""
    kind, _dot, slug = name.partition(".")
    return kind in object_types and ":" not in slug


def values_in(part: Any, name: str, way: str, place: str) -> Iterator[Use]:
    """The values of a property that are things themselves, wherever they stand in a part of a document."""
    kind, _dot, slug = name.partition(".")
    of = valued.get((kind, slug))
    if of:
        yield from (Use(of, f"{name}.{text}", way, place) for text in texts(part))


def in_settings(settings: Any) -> Iterator[Use]:
    for slug in attachments:
        for one in texts(settings.get(slug)) if isinstance(settings, dict) else ():
            yield Use(slug, one, NAMES, SETTINGS)


def in_steps(steps: Any, own: str) -> Iterator[Use]:
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, dict):
            continue
        place, params = STEP + str(step.get("id", "")), step.get("params")
        yield Use(ACTION, str(step.get("action", "")), NAMES, place)
        yield from in_fields(step, place)
        yield from named_in(params, place, own)
        for branch in step.get("branches") or () if isinstance(step.get("branches"), list) else ():
            if isinstance(branch, dict):
                yield from named_in(branch.get("criteria"), place, own)
                if isinstance(params, dict) and branch.get("values"):
                    yield from values_in(branch["values"], f"{own}.{params.get('property')}", READS, place)
                yield from in_steps(branch.get("steps"), own)


def in_fields(step: dict[str, Any], place: str) -> Iterator[Use]:
    """What the settings of a step name, as the fields they are made of say."""
    action, params = actions.get(str(step.get("action"))), step.get("params")
    if action is None or not isinstance(params, dict):
        return
    for name, field in action.Params.base_fields.items():
        kind = getattr(field, "names", "")
        if kind:
            yield from (Use(kind, one, NAMES, place) for one in texts(params.get(name)) if (kind, one) != OWNER)


def named_in(part: Any, place: str, kind: str) -> Iterator[Use]:
    """What filters, events and connections name, anywhere inside; `kind` is the type of the records filters are about.

    It is "" among the facts of an event, which are no properties of records.
    """
    if isinstance(part, list):
        for one in part:
            yield from named_in(one, place, kind)
    elif isinstance(part, dict):
        if isinstance(part.get("connection"), str):
            yield Use("connection", part["connection"], NAMES, place)
        yield from of_filter(part, place, kind)
        for key, inside in part.items():
            yield from named_in(inside, place, kind_inside(part, key, kind))


def of_filter(part: dict[str, Any], place: str, kind: str) -> Iterator[Use]:
    """What one filter, or the settings of one event, name themselves."""
    for key, of in filter_keys.items():
        if key in part and (key == "event" or key == "workflow" or "operator" in part):
            yield from (Use(of, one, NAMES, place) for one in texts(part[key]) if is_thing(of, one))
    others = part.get("others") if place == DOORS else None
    yield from (Use(WORKFLOW, one, NAMES, place) for one in texts(others) if one.isdecimal())
    name = part.get("property")
    if not isinstance(name, str):
        return
    if not kind and name in FACTS:
        yield from (Use(FACTS[name], one, NAMES, place) for one in texts(part.get("value")))
    elif kind in object_types and ("operator" in part or "event" in part):
        yield Use(PROPERTY, f"{kind}.{name}", READS, place)
        values = [value for key, value in part.items() if key not in ("property", "operator", "event")]
        yield from values_in(values, f"{kind}.{name}", READS, place)


def is_thing(kind: str, key: str) -> bool:
    """Whether it is one somebody has made: not an event that is built in, nor the word for any of them."""
    if kind == EVENT:
        return key not in event_types and key not in events
    return key not in ("*", "any") and (kind != WORKFLOW or key.isdecimal())


def kind_inside(part: dict[str, Any], key: str, kind: str) -> str:
    """The type of the records that the filters under a key are about."""
    if key == "where":
        return ""
    if key in JOINS and isinstance(part.get("association"), str) and kind in object_types:
        found = associations_of(kind).get(part["association"])
        return found.to.slug if found is not None else kind
    return kind


def texts(value: Any) -> Iterator[str]:
    """Every text and number in a part of a document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value):
        yield str(value)
