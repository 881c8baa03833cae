"""JSON with tokens in its texts. It is read as JSON first and filled in text by text, so that whatever the values are
the result is JSON of the same shape, and no value can become a part of it that was not meant."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from workflows.texts import tokens
from workflows.texts.tokens import Token, TokenError

DEEPEST = 20


def read(text: str) -> Any:
    """A template as a document. Raises TokenError with the line and what is wrong there."""
    if len(text) > tokens.INPUT_LIMIT:
        message = _("The text has %(length)d characters, %(limit)d at most. Shorten it.")
        raise TokenError(message % {"length": len(text), "limit": tokens.INPUT_LIMIT})
    try:
        document = json.loads(text, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        message = _(
            "This is not JSON: line %(line)d, column %(column)d (%(error)s). Tokens stand in quotes: "
            '"name": "{{ contact.first_name }}".'
        )
        raise TokenError(message % {"line": error.lineno, "column": error.colno, "error": error.msg}) from None
    except RecursionError:
        raise TokenError(too_deep()) from None
    for name, _text in texts(document):
        if name and tokens.has_tokens(name):
            message = _("“%(name)s” is a name: tokens can stand in values only.")
            raise TokenError(message % {"name": name[:100]})
    return document


def refuse_constant(name: str) -> Any:
    raise TokenError(_("JSON has no %(name)s. Write a number, or null.") % {"name": name})


def too_deep() -> str:
    return _("The JSON is nested more than %(limit)d levels deep. Make it flatter.") % {"limit": DEEPEST}


def texts(part: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every name and every text of a document: ("name", "") and ("", "text"). Raises TokenError for too deep ones."""
    if depth > DEEPEST:
        raise TokenError(too_deep())
    if isinstance(part, dict):
        for name, value in part.items():
            yield name, ""
            yield from texts(value, depth + 1)
    elif isinstance(part, list):
        for value in part:
            yield from texts(value, depth + 1)
    elif isinstance(part, str):
        yield "", part


def with_tokens(document: Any) -> list[str]:
    """The different texts of a document that have tokens."""
    return list(dict.fromkeys(text for _name, text in texts(document) if tokens.has_tokens(text)))


def alone(text: str) -> str:
    """The name of the token a text consists of, when it is nothing else and goes through no filter; "" otherwise.

    Such a text becomes the value itself: a number stays a number, a blank becomes null.
    """
    pieces = tokens.parse(text)
    only = pieces[0] if len(pieces) == 1 else None
    return only.name if isinstance(only, Token) and not only.filters else ""


def filled(document: Any, values: Callable[[str], Any] | Mapping[str, Any]) -> Any:
    """A document with its texts that have tokens replaced by their values."""
    if isinstance(document, dict):
        return {name: filled(value, values) for name, value in document.items()}
    if isinstance(document, list):
        return [filled(value, values) for value in document]
    if tokens.has_tokens(document):
        return values(document) if callable(values) else values[document]
    return document
