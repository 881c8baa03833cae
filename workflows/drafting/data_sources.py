"""The operations on a draft's data sources: added one by one, so that two people adding some do not meet."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.utils.translation import gettext as _

from records.object_types import object_types
from workflows.data_sources.declared import ID, TAKEN, added, given
from workflows.data_sources.uses import sources_used
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.drafting.tree import Document, refuse

Op = dict[str, Any]


def add_source(document: Document, op: Op) -> str:
    """Add a data source; one without an id gets one made of its name."""
    source = op.get("source")
    if not isinstance(source, dict):
        message = _("Send the data source as an object, like {“name”: “Newest deal”, “object”: “deal”}.")
        raise refuse("source", message, source)
    made = {"id": id_for(str(source.get("name") or ""), parse(document)), **source}
    document["sources"] = [*(document.get("sources") or ()), made]
    return ""


def update_source(document: Document, op: Op) -> str:
    """Put another data source in the place of one; its id, which tokens say, stays."""
    values = op.get("values")
    if not isinstance(values, dict):
        message = _("Send the data source as an object, like {“name”: “Newest deal”, “object”: “deal”}.")
        raise refuse("values", message, values)
    sources = list(document.get("sources") or ())
    place = next((i for i, source in enumerate(sources) if source.get("id") == op.get("source")), None)
    if place is None:
        message = _("There is no data source “%(source)s” in this draft. Load it again.")
        raise refuse("source", message % {"source": op.get("source")}, op.get("source"))
    sources[place] = {**values, "id": op["source"]}
    document["sources"] = sources
    return ""


def remove_source(document: Document, op: Op) -> str:
    """Take a data source out; steps that use it are told of as problems then."""
    kept = [source for source in document.get("sources") or () if source.get("id") != op.get("source")]
    if len(kept) == len(document.get("sources") or ()):
        message = _("There is no data source “%(source)s” in this draft. Load it again.")
        raise refuse("source", message % {"source": op.get("source")}, op.get("source"))
    document["sources"] = kept
    return ""


def bring_sources(document: Document, sources: Any) -> None:
    """Add the sources that pasted steps use and the draft does not have yet."""
    if not isinstance(sources, list):
        return
    had = {source.get("id") for source in document.get("sources") or () if isinstance(source, dict)}
    new = [source for source in sources if not isinstance(source, dict) or source.get("id") not in had]
    if new:
        document["sources"] = [*(document.get("sources") or ()), *new]


def used_by(steps: list[Document], document: Document) -> list[Document]:
    """The sources of a definition that some steps of it speak of."""
    return [source for source in document.get("sources") or () if sources_used(steps, (str(source["id"]),))]


def fitting(sources: Any, steps: list[Document], document: Document) -> tuple[list[Document], list[str]]:
    """Which of the sources copied with steps a draft still needs, and notes about what another one has the name of."""
    here = {source["id"]: source for source in document.get("sources") or ()}
    new, notes = [], []
    for source in sources if isinstance(sources, list) else ():
        if not isinstance(source, dict) or not sources_used(steps, (str(source.get("id")),)):
            continue
        if source["id"] not in here:
            new.append(source)
        elif meaning(source) != meaning(here[source["id"]]):
            message = _("There is another data source “%(id)s” here: the pasted steps will use that one. Check them.")
            notes.append(message % {"id": source["id"]})
    return new, notes


def meaning(source: Document) -> Document:
    """What a source says beside its name."""
    return {key: value for key, value in source.items() if key != "name" and value not in (None, "", [])}


def id_for(name: str, definition: Definition) -> str:
    """An id for a new source, made of its name, that nothing else of the definition has."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:50].strip("_")
    if not ID.fullmatch(stem):
        stem = f"source_{stem}".strip("_")
    own = object_types[definition.object]
    taken = {*TAKEN, own.slug, *given(own), *added(definition)}
    number, found = 1, stem
    while found in taken:
        number += 1
        found = f"{stem}_{number}"
    return found
