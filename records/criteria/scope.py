"""Where in a document parsing stands: the object type, how deep, how many filters so far."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from records.object_types import ObjectType
from records.problems import Problem
from records.properties import Property
from records.vocabulary import ListedIn

FILTER_LIMIT = 250
DEPTH_LIMIT = 10
HOP_LIMIT = 3


@dataclass
class Document:
    """What the whole document shares while it is parsed.

    `root` is the object type the criteria are about: its blank rule holds for associated records too (TRG-23).
    """

    root: ObjectType
    stored: bool = False
    faults: list[Problem] = field(default_factory=list)
    filters: int = 0
    lasting: bool = True
    properties: dict[str, dict[str, Property]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """A place in a document: `hops` are the associations walked to get to `object_type`."""

    document: Document
    object_type: ObjectType
    depth: int = 0
    hops: tuple[str, ...] = ()

    @property
    def stored(self) -> bool:
        """The document was accepted once: options and users that have gone since match nothing."""
        return self.document.stored

    def fault(self, path: str, message: str, value: Any = None, code: str = "invalid") -> None:
        self.document.faults.append(Problem(path, message, value, code=code))

    def deeper(self) -> Scope:
        return dataclasses.replace(self, depth=self.depth + 1)

    def through(self, association: str, to: ObjectType) -> Scope:
        return dataclasses.replace(self, object_type=to, hops=(*self.hops, association), depth=self.depth + 1)

    def known_properties(self) -> dict[str, Property]:
        """The properties of the object type, read once per document."""
        cache = self.document.properties
        if self.object_type.slug not in cache:
            cache[self.object_type.slug] = self.object_type.properties()
        return cache[self.object_type.slug]

    def property(self, slug: str) -> Property | None:
        """A property by slug, with its options fetched once; None when there is none."""
        prop = self.known_properties().get(slug)
        if prop is not None and callable(prop.options_source):
            self.document.lasting &= isinstance(prop.options_source, ListedIn)
            prop = dataclasses.replace(prop, options_source=prop.options)
            self.known_properties()[slug] = prop
        return prop

    def count_filter(self, path: str) -> None:
        """Count one more filter; the one over the limit is refused (TRG-08)."""
        self.document.filters += 1
        if self.document.filters == FILTER_LIMIT + 1:
            message = _("There are more than %(limit)d filters. Remove some, or split the criteria.")
            self.fault(path, message % {"limit": FILTER_LIMIT}, code="too_many_filters")

    def unknown_keys(self, document: dict[str, Any], known: set[str], path: str) -> None:
        for key in document:
            if key not in known:
                message = _("“%(key)s” is not known here. Use: %(known)s.")
                values = {"key": key, "known": ", ".join(sorted(known))}
                self.fault(joined_path(path, key), message % values, code="unknown_field")


def joined_path(*parts: object) -> str:
    return ".".join(str(part) for part in parts if part != "")
