"""Tokens in texts: `{{ deal.name | default: "x" }}`.

The Liquid grammar is read by python-liquid without a single tag; what it reads is then reduced to plain text and
tokens whose names and filters are on a list. Rendering joins strings: nothing a person writes is ever evaluated.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.utils.html import escape
from django.utils.translation import gettext as _
from liquid import Environment
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path, PositionalArgument, StringLiteral
from liquid.builtin.expressions.primitive import IntegerLiteral
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError

from records.object_types import ObjectType
from records.problems import Problem
from workflows.texts.faults import TokenError, TooLong
from workflows.texts.token_filters import FILTERS
from workflows.texts.token_values import USER_PARTS, Shown, allowed_names, values_of

INPUT_LIMIT = 65_536
OUTPUT_LIMIT = 1_048_576
TOKEN_LIMIT = 200
TOKEN_LENGTH = 500
#: What tokens call the event that enrolled the record.
EVENT = "event"
#: What tokens call the results of earlier steps: {{ output.format-data.result }}.
OUTPUT = "output"
#: Whom texts may call by name besides the record's owner, where the one who renders them knows who that is.
SENDER = "sender"
#: Users that tokens name directly: {{ owner.name }}.
PEOPLE = ("owner", SENDER)
TARGETS = ("text", "line", "html", "value", "url")

#: Those that write values as the API does.
RAW = ("value", "url")

environment = Environment()
environment.tags = {name: tag for name, tag in environment.tags.items() if name in ("content", "output", "illegal")}


@dataclass(frozen=True)
class Token:
    """One `{{ … }}`: the path to a value, and the filters it goes through."""

    path: tuple[str, ...]
    filters: tuple[tuple[str, tuple[str | int, ...]], ...] = ()

    @property
    def name(self) -> str:
        return ".".join(self.path)


Template = tuple[str | Token, ...]


def has_tokens(text: Any) -> bool:
    return isinstance(text, str) and "{{" in text


def has_tags(text: Any) -> bool:
    """Whether a text has the beginning of a tag, as other systems know them: nothing here would carry it out."""
    return isinstance(text, str) and "{%" in text


@functools.lru_cache(maxsize=1_000)
def parse(text: str) -> Template:
    """A text as plain pieces and tokens. Raises TokenError naming what cannot be read and what may be written."""
    if len(text) > INPUT_LIMIT:
        message = _("The text has %(length)d characters, %(limit)d at most. Shorten it.")
        raise TokenError(message % {"length": len(text), "limit": INPUT_LIMIT})
    check_braces(text)
    try:
        nodes = environment.from_string(text).nodes
    except (LiquidError, RecursionError) as error:
        reason = getattr(error, "message", None) or str(error).splitlines()[0]
        raise TokenError(
            _("The text cannot be read (%(reason)s). Write tokens like {{ deal.name }}.") % {"reason": reason}
        ) from error
    return tuple(piece_of(node) for node in nodes)


def check_braces(text: str) -> None:
    """Refuse what the grammar's reader would take very long to refuse: tags, open, very long or very many tokens."""
    if has_tags(text):
        raise TokenError(_("“{%%” cannot stand in a text. Only tokens like {{ deal.name }} can.") % {})
    opened = text.split("{{")[1:]
    if len(opened) > TOKEN_LIMIT:
        raise TokenError(_("A text holds %(limit)d tokens at most.") % {"limit": TOKEN_LIMIT})
    for part in opened:
        inside, closing, _rest = part.partition("}}")
        if not closing:
            raise TokenError(
                _("“{{%(token)s” is not closed. Write tokens like {{ deal.name }}.") % {"token": part[:30]}
            )
        if len(inside) > TOKEN_LENGTH:
            message = _("“{{%(token)s…” is too long: a token has %(limit)d characters at most.")
            raise TokenError(message % {"token": inside[:30], "limit": TOKEN_LENGTH})


def piece_of(node: Any) -> str | Token:
    if isinstance(node, ContentNode):
        return str(node.text)
    expression = getattr(node, "expression", None)
    if not isinstance(node, OutputNode) or type(expression) is not FilteredExpression:
        raise TokenError(_("Only tokens like {{ deal.name }} can stand in a text."))
    path = expression.left
    parts = path.path if isinstance(path, Path) else []
    names = tuple(part for part in parts if isinstance(part, str))
    if not names or len(names) != len(parts):
        message = _("“%(token)s” is not a token. Write the name of a property, like {{ deal.name }}.")
        raise TokenError(message % {"token": str(expression)[:100]})
    filters = tuple((item.name, arguments_of(item)) for item in expression.filters or ())
    return Token(names, filters)


def arguments_of(item: Any) -> tuple[str | int, ...]:
    """The settings of a filter, which must be on the list and get plain texts or numbers only."""
    if item.name not in FILTERS:
        message = _("There is no filter “%(name)s”. Use one of: %(known)s.")
        raise TokenError(message % {"name": item.name, "known": ", ".join(sorted(FILTERS))})
    found: list[str | int] = []
    for argument in item.args:
        value = argument.value if isinstance(argument, PositionalArgument) else None
        if not isinstance(value, StringLiteral | IntegerLiteral):
            message = _("The filter “%(name)s” takes plain texts and whole numbers only.")
            raise TokenError(message % {"name": item.name})
        found.append(value.value)
    fault = FILTERS[item.name].fault(found)
    if fault:
        raise TokenError(fault)
    return tuple(found)


def tokens_of(text: Any) -> list[Token]:
    """The tokens of a text; none for a text that cannot be read."""
    if not has_tokens(text):
        return []
    try:
        return [piece for piece in parse(text) if isinstance(piece, Token)]
    except TokenError:
        return []


def check(
    template: str,
    object_type: ObjectType,
    properties: Mapping[str, Any] | None = None,
    told: Iterable[str] = (),
    results: Iterable[str] = (),
    people: Iterable[str] = (),
    sources: Mapping[str, Callable[[], Iterable[str]]] | None = None,
) -> list[Problem]:
    """What keeps a text from being rendered for records of an object type; [] when nothing does.

    `told` are the properties of the event that enrolls, which tokens name as {{ event.… }}; `results` what earlier
    steps leave, as "step.name", which tokens name as {{ output.… }}; `people` users besides the owner, {{ sender.… }};
    `sources` the data sources by id, each with a function that gives its tokens.
    """
    if not isinstance(template, str):
        return [Problem("", _("%(value)r is not text. Send a string.") % {"value": template})]
    try:
        pieces = parse(template)
    except TokenError as error:
        return [Problem("", str(error), template, code="token")]
    tokens = [piece for piece in pieces if isinstance(piece, Token)]
    if not tokens:
        return []
    known = object_type.properties() if properties is None else properties
    allowed = [*allowed_names(object_type, known), *(f"{EVENT}.{slug}" for slug in told)]
    allowed += [f"{OUTPUT}.{name}" for name in results]
    allowed += [f"{who}.{part}" for who in people for part in USER_PARTS]
    heads = {token.path[0] for token in tokens} & (sources or {}).keys()
    named = {head: list(sources[head]()) for head in heads} if sources else {}
    everything = [*allowed, *(f"{one}.…" for one in sources or ())]
    message = _("There is no token “%(token)s”. Use one of: %(known)s.")
    found = []
    for token in tokens:
        if token.name not in allowed and token.name not in named.get(token.path[0], ()):
            facts = {"token": token.name, "known": ", ".join(named.get(token.path[0], everything))}
            found.append(Problem("", message % facts, token.name, code="unknown_token"))
    return found


def reads(template: Any, object_type: ObjectType) -> set[str]:
    """The properties a text reads, as "object_type.property"."""
    slugs = {property_slug(token, object_type) for token in tokens_of(template)}
    return {f"{object_type.slug}.{slug}" for slug in slugs if slug and "." not in slug}


def told_slugs(template: Any) -> list[str]:
    """The properties of the event that enrolled the record a text speaks of."""
    named = (token.path for token in tokens_of(template))
    return list(dict.fromkeys(path[1] for path in named if path[0] == EVENT and len(path) > 1))


def results_named(template: Any) -> list[str]:
    """The results of earlier steps a text speaks of, as "step.name"."""
    named = (token.path for token in tokens_of(template))
    return list(dict.fromkeys(".".join(path[1:]) for path in named if path[0] == OUTPUT and len(path) == 3))


def sourced(template: Any, sources: Collection[str]) -> dict[str, set[str]]:
    """The properties of data sources a text speaks of, by the source's id."""
    found: dict[str, set[str]] = {}
    for token in tokens_of(template):
        if len(token.path) > 1 and token.path[0] in sources:
            found.setdefault(token.path[0], set()).add(token.path[1])
    return found


def property_slug(token: Token, object_type: ObjectType) -> str:
    """The property of the record a token speaks of; "source.…" for one of the event, a result or a data source."""
    source, *rest = token.path
    if source == EVENT and rest:
        return f"{EVENT}.{rest[0]}"
    if source == OUTPUT and len(rest) == 2:
        return token.name
    if source in PEOPLE:
        return source
    if not rest:
        return ""
    return rest[0] if source == object_type.slug else f"{source}.{rest[0]}"


def render_many(
    template: str,
    object_type: ObjectType,
    records: Iterable[Any],
    now: Any = None,
    target: str = "text",
    told: Mapping[int, Mapping[str, Shown]] | None = None,
) -> dict[int, str]:
    """The text for each record, by its id, with a constant number of queries.

    `target` chooses how values are written: "text" as people read them, "line" the same without line breaks
    (subjects, titles), "html" escaped, "value" as the API writes them (to be stored in a property), "url" the same
    as parts of an address. Blank and unknown tokens become "". `told` has what no property of the record is, by
    record id and then "event.…", "output.…", "source.…" or "sender". Raises TokenError when the text cannot be read,
    and TooLong when one of the results would be too long.
    """
    if target not in TARGETS:
        raise ValueError(f"There is no target {target!r}; use one of {TARGETS}.")
    pieces = parse(template)
    records = list(records)
    tokens = [piece for piece in pieces if isinstance(piece, Token)]
    if not tokens:
        return {record.pk: on_one_line(template) if target == "line" else template for record in records}
    slugs = {slug for token in tokens if (slug := property_slug(token, object_type))}
    values = values_of(object_type, slugs, records, raw=target in RAW)
    for pk, facts in (told or {}).items():
        values.get(pk, {}).update(facts)
    return {record.pk: joined(pieces, values[record.pk], object_type, target) for record in records}


def joined(pieces: Template, values: Mapping[str, Shown], object_type: ObjectType, target: str) -> str:
    length, parts = 0, []
    for piece in pieces:
        part = piece if isinstance(piece, str) else written(piece, values, object_type, target)
        length += len(part)
        if length > OUTPUT_LIMIT:
            message = _("The text would have more than %(limit)d characters with its tokens filled in.")
            raise TooLong(message % {"limit": OUTPUT_LIMIT})
        parts.append(part)
    text = "".join(parts)
    return on_one_line(text) if target == "line" else text


def written(token: Token, values: Mapping[str, Shown], object_type: ObjectType, target: str) -> str:
    value = values.get(property_slug(token, object_type), Shown(None, ""))
    part = token.path[1:] if token.path[0] in PEOPLE else token.path[2:]
    if part and token.path[0] != OUTPUT:
        value = value.part(part[0]) if len(part) == 1 else Shown(None, "")
    for name, arguments in token.filters:
        value = FILTERS[name].apply(value, *arguments)
    if target == "url" and not any(name in ("urlencode", "url_encode") for name, _arguments in token.filters):
        return quote(value.text, safe="")
    return escape(value.text) if target == "html" else value.text


def on_one_line(text: str) -> str:
    """A text that can stand in a subject or header."""
    return " ".join(text.replace("\x00", "").split())
