"""What keeps a definition's data sources from being published, with paths into the document, and the remedies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from records.equal_values import FAMILIES, comparable
from records.object_types import object_types
from records.problems import Problem
from records.properties import Property
from records.seeing import may_see
from workflows.data_sources import declared
from workflows.data_sources.declared import ASSOCIATION, CONDITIONS, EQUALS, MATCH, NAME_LIMIT, PICKS, DataSource
from workflows.data_sources.known import KnownSource
from workflows.data_sources.uses import sources_used
from workflows.definitions.definition import Definition
from workflows.step_forms.params import StepContext

#: What belongs to one condition only.
OWN_KEYS = {ASSOCIATION: {"label"}, MATCH: {"property", "same_as"}, EQUALS: {"property", "value"}}


def problems(context: StepContext) -> Iterator[Problem]:
    """Every problem of the sources people have added, and of steps that use sources the publisher may not see."""
    definition, names = context.definition, set[str]()
    for i, source in enumerate(declared.added(definition).values()):
        for problem in source_problems(source, context):
            yield problem.at(f"sources.{i}")
        if source.name in names:
            message = _("Two data sources are called “%(name)s”. Give each its own name.")
            yield Problem(f"sources.{i}.name", message % {"name": source.name}, source.name)
        names.add(source.name)
    if context.user is not None:
        yield from unseen(definition, context)


def source_problems(source: DataSource, context: StepContext) -> list[Problem]:
    """What is wrong with one source, with paths inside it."""
    own, found = context.object_type, []
    if not source.name.strip() or len(source.name) > NAME_LIMIT:
        message = _("A data source has a name of 1 to %(limit)d characters, not “%(value)s”. Give it one.")
        found.append(Problem("name", message % {"limit": NAME_LIMIT, "value": source.name}, source.name))
    if source.id == own.slug or source.id in declared.given(own):
        message = _("“%(value)s” already stands for another record. Give the data source another id.")
        found.append(Problem("id", message % {"value": source.id}, source.id))
    if source.pick not in PICKS:
        found.append(unknown("pick", source.pick, PICKS))
    if source.condition not in CONDITIONS:
        found.append(unknown("condition", source.condition, CONDITIONS))
    kind = source.object_type
    if kind is None:
        return [*found, unknown("object", source.object, object_types)]
    if source.condition not in CONDITIONS:
        return found
    spare = sorted(source.document().keys() & set.union(*OWN_KEYS.values()) - OWN_KEYS[source.condition])
    for key in spare:
        message = _("“%(key)s” does not belong to the condition “%(condition)s”. Take it out.")
        found.append(Problem(key, message % {"key": key, "condition": source.condition}))
    if source.condition == ASSOCIATION:
        return found + association_problems(source, context)
    return found + value_problems(KnownSource(source, kind, context))


def association_problems(source: DataSource, context: StepContext) -> list[Problem]:
    own, kind = context.object_type, source.object_type
    association = source.association(own)
    if association is None:
        message = _("%(records)s are not associated with %(others)s. Choose another type, or match by a property.")
        facts = {"records": own.label_plural, "others": kind.label_plural if kind else source.object}
        return [Problem("object", message % facts, source.object)]
    if source.label and association.relation:
        return [Problem("label", _("Links of this kind have no labels. Leave the label out."), source.label)]
    return []


def value_problems(known: KnownSource) -> list[Problem]:
    """What is wrong with the properties that are compared, or with the value."""
    source, own = known.source, known.context.properties
    prop = known.properties.get(source.compared)
    if prop is None or not matchable(prop):
        return [
            unknown("property", source.compared, [slug for slug, one in known.properties.items() if matchable(one)])
        ]
    if source.condition == MATCH:
        same = own.get(source.same_as)
        if same is None:
            return [unknown("same_as", source.same_as, [slug for slug, one in own.items() if comparable(one, prop)])]
        if not comparable(same, prop):
            message = _("“%(own)s” and “%(other)s” are never the same. Choose two texts, two numbers or two choices.")
            return [Problem("same_as", message % {"own": same.label, "other": prop.label}, source.same_as)]
        return []
    if source.value in (None, "", []):
        message = _("Say which value “%(property)s” must have.")
        return [Problem("value", message % {"property": prop.label}, source.value, code="missing")]
    try:
        prop.clean(source.value)
    except ValueError as error:
        return [Problem("value", str(error), source.value)]
    return []


def matchable(prop: Property) -> bool:
    """Whether records can be found by the property: dates and answers say too little, sensitive values too much."""
    return prop.kind.family in FAMILIES and prop.calculated is None and not prop.sensitive


def unknown(key: str, value: str, choices: Any) -> Problem:
    if not value:
        message = _("“%(key)s” is missing. Use one of: %(known)s.")
    else:
        message = _("“%(value)s” cannot be “%(key)s” of a data source. Use one of: %(known)s.")
    return Problem(key, message % {"key": key, "value": value, "known": ", ".join(choices) or _("none")}, value)


def unseen(definition: Definition, context: StepContext) -> Iterator[Problem]:
    """Steps that would tell values of records the person may not view."""
    for step in definition.walk():
        for source_id in sorted(sources_used(step.params, context.sources)):
            kind = context.sources[source_id].object_type
            if not may_see(context.user, kind):
                message = _(
                    "The step uses the data source “%(source)s”, but you may not view %(records)s. Take it out, or "
                    "ask somebody who may."
                )
                facts = {"source": context.sources[source_id].name, "records": kind.label_plural}
                yield Problem(f"{step.path}.params", message % facts, source_id, code="forbidden")
