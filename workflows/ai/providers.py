"""AI providers: making and changing them, and which one a step asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from records.defining import slug_for
from records.problems import DocumentError, Problem
from workflows.ai.wires import WIRES
from workflows.dependencies.using import names_told
from workflows.models import AIProvider, Connection
from workflows.models.connection import SLUG_LENGTH
from workflows.outside import targets
from workflows.outside.targets import NotAllowed

#: What `save` takes.
FACTS = ("name", "kind", "connection", "path", "model", "structure", "searches", "longest", "is_default")
LONGEST = 100_000
PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def save(provider: AIProvider, facts: Mapping[str, Any]) -> AIProvider:
    """Make a provider of FACTS, or change some of them. The first one is the default. Raises DocumentError."""
    found = {name: facts.get(name, getattr(provider, name, None)) for name in FACTS if name != "connection"}
    found["connection"] = facts.get("connection") or (provider.connection if provider.connection_id else None)
    found["name"] = " ".join(str(found["name"] or "").split())
    found["model"] = str(found["model"] or "").strip()
    found["path"] = str(found["path"] or "").strip().rstrip("/")
    problems = problems_of(found)
    if problems:
        raise DocumentError(problems)
    for name, value in found.items():
        setattr(provider, name, value)
    with transaction.atomic():
        others = AIProvider.objects.select_for_update().exclude(pk=provider.pk)
        provider.is_default = bool(found["is_default"]) or not others.filter(is_default=True).exists()
        if provider.is_default:
            others.filter(is_default=True).update(is_default=False)
        provider.slug = provider.slug or free_slug(provider.name)
        provider.save()
    return provider


def problems_of(found: Mapping[str, Any]) -> list[Problem]:
    problems = []
    if not 1 <= len(found["name"]) <= 120:
        problems.append(
            Problem("name", _("A provider has a name of 1 to 120 characters. Give it one."), found["name"])
        )
    if found["kind"] not in WIRES:
        message = _("%(value)r is nothing a provider speaks like. Use one of: %(known)s.")
        problems.append(Problem("kind", message % {"value": found["kind"], "known": ", ".join(WIRES)}, found["kind"]))
    if found["structure"] not in AIProvider.Structure.values:
        message = _("%(value)r is no way to ask for typed answers. Use one of: %(known)s.")
        known = ", ".join(AIProvider.Structure.values)
        problems.append(Problem("structure", message % {"value": found["structure"], "known": known}))
    if not isinstance(found["connection"], Connection):
        problems.append(Problem("connection", _("The connection is missing. Choose one."), code="missing"))
    if not 1 <= len(found["model"]) <= 200 or not found["model"].isprintable():
        problems.append(
            Problem("model", _("The model is missing. Write its name as the provider does."), code="missing")
        )
    if len(found["path"]) > 200 or not PATH.fullmatch(found["path"]):
        message = _("“%(path)s” is not a path. Write it like /v1, or leave it empty.")
        problems.append(Problem("path", message % {"path": found["path"][:100]}, found["path"]))
    count = found["longest"]
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LONGEST:
        message = _("%(value)r is not a number of tokens. Use a whole number from 1 to %(limit)d.")
        problems.append(Problem("longest", message % {"value": count, "limit": LONGEST}, count))
    return problems or reached(found)


def reached(found: Mapping[str, Any]) -> list[Problem]:
    """What keeps requests from leaving to its address, as far as it is known before."""
    try:
        targets.read(f"{found['connection'].origin}{found['path']}{WIRES[found['kind']].place}")
    except NotAllowed as error:
        return [Problem("connection", str(error))]
    return []


def free_slug(name: str) -> str:
    wanted = slug_for(name)[: SLUG_LENGTH - 4].rstrip("_")
    slug, number = wanted, 1
    while AIProvider.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{wanted}_{number}"
    return slug


def find(slug: Any) -> AIProvider | None:
    """The provider a step names, the default one for ""; None when there is none."""
    rows = AIProvider.objects.select_related("connection")
    return rows.filter(slug=slug).first() if slug else rows.filter(is_default=True).first()


def missing(slug: Any = "", *, searching: bool = False) -> str:
    """Why a step that names a provider ("" for the default one) cannot ask it, with the remedy; "" when it can."""
    provider = find(slug)
    if provider is None and slug:
        return _("There is no AI provider “%(slug)s” any more. Choose another one.") % {"slug": slug}
    if provider is None:
        return _("No AI provider is set up, so nobody can be asked. Add one under “AI providers”, or remove the step.")
    if searching and not provider.searches:
        message = _(
            "“%(name)s” does not search the web, so it would only tell what it remembers. Choose a provider that "
            "does, or use “Ask AI”."
        )
        return message % {"name": provider.name}
    return ""


def users(provider: AIProvider, by: Any = None) -> list[str]:
    """The names of the workflows whose live revision or draft names the provider."""
    return names_told("provider", provider.slug, by)


def delete(provider: AIProvider, by: Any = None) -> None:
    """Delete a provider; its connection stays. Raises DocumentError while workflows name it, or others rest on it."""
    if found := users(provider, by):
        message = _("“%(name)s” is used by %(workflows)s. Remove it there before you delete it.")
        facts = {"name": provider.name, "workflows": ", ".join(f"“{one}”" for one in found[:5])}
        raise DocumentError([Problem("", message % facts, code="in_use")])
    if provider.is_default and AIProvider.objects.exclude(pk=provider.pk).exists():
        message = _("“%(name)s” is the default provider. Make another one the default before you delete it.")
        raise DocumentError([Problem("", message % {"name": provider.name}, code="in_use")])
    provider.delete()
