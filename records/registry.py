"""A registry of plug-ins: one dictionary by slug, filled by a decorator."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, TypeVar

T = TypeVar("T")


class Registry(dict[str, Any]):
    """Plug-ins of one kind by their slug, in order of registration."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def register(self, plugin: T) -> T:
        """Add a plug-in (usable as a class decorator: classes are stored as one instance).

        Raises ValueError when another plug-in already has its slug.
        """
        instance: Any = plugin() if isinstance(plugin, type) else plugin
        slug: str = instance.slug
        if slug in self:
            raise ValueError(f"There already is a {self.kind} called {slug!r}: {self[slug]!r}.")
        self[slug] = instance
        return plugin

    def load(self, package: str) -> None:
        """Import every module of a package, so that the plug-ins in it register themselves, in the modules' order.

        Those of a module that somebody has imported before come where they would have come otherwise.
        """
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            name = f"{package}.{module.name}"
            early = [slug for slug, plugin in self.items() if type(plugin).__module__ == name]
            importlib.import_module(name)
            for slug in early:
                self[slug] = self.pop(slug)
