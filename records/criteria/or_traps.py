"""Alternatives that do not say what they seem to: one lets in whom another excludes, or adds nobody.

“Stage is none of Won OR Stage is none of Lost” is met by every record with a stage. People who write it mean AND.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.criteria.compiling import Compiled
from records.criteria.contradictions import Contradiction, Facts, Search
from records.criteria.operators import PropertyFilter
from records.criteria.operators.anything import any_value
from records.criteria.tree import ANY, Context, Group, Node

#: Alternatives are compared in pairs up to so many.
COMPARED = 20


def or_traps(compiled: Compiled) -> list[Contradiction]:
    """The places of alternatives that let everybody in, or of which one adds nobody; each with a sentence."""
    return list(inside(compiled.criteria.group, compiled.context))


def inside(node: Node, context: Context) -> Iterator[Contradiction]:
    if not isinstance(node, Group):
        return
    if node.join == ANY and 1 < len(node.children) <= COMPARED:
        found = next(everybody(node, context), None) or next(spare(node, context), None)
        if found is not None:
            yield found
            return
    for child in node.children:
        yield from inside(child, context)


def everybody(group: Group, context: Context) -> Iterator[Contradiction]:
    """The properties of which any value at all passes the group."""
    for leaf in {leaf.property.slug: leaf for leaf in filters(group)}.values():
        known = Facts().limited(leaf.property.slug, any_value(leaf))
        if known is not None and not Search(context).fits([(group, False)], [], known):
            message = _(
                "Every record with any “%(property)s” meets this: what one part excludes, another lets in. Use AND "
                "instead of OR."
            )
            yield Contradiction(group.path, message % {"property": capfirst(str(leaf.property.label))})


def spare(group: Group, context: Context) -> Iterator[Contradiction]:
    """The alternatives that nobody meets who does not meet another one, too."""
    for one, two in permutations(group.children, 2):
        possible = Search(context).possible([(one, True)])
        if possible and not Search(context).possible([(one, True), (two, False)]):
            message = _("“%(one)s” adds nobody: whoever meets it meets “%(two)s”, too. Remove it, or change it.")
            yield Contradiction(one.path, message % {"one": one.text(context), "two": two.text(context)})


def filters(node: Node) -> Iterator[PropertyFilter]:
    """The filters on properties of the record itself."""
    if isinstance(node, PropertyFilter):
        yield node
    elif isinstance(node, Group):
        for child in node.children:
            yield from filters(child)
