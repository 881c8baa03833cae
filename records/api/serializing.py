"""Shapes of request and response documents: strict, and telling which value was wrong."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from records.api.problem_details import flatten
from records.ids import id_of
from records.problems import DocumentError, Problem, unknown_keys


class Body(serializers.Serializer):
    """A document of a known shape: an unknown key, or a value of the wrong type, is refused with its path."""

    @classmethod
    def read(cls, document: Any, path: str = "") -> dict[str, Any]:
        """The checked document. Raises DocumentError naming path, value and remedy for every fault."""
        if not isinstance(document, dict):
            message = _("Send a JSON object, not %(value)s.") % {"value": shown(document)}
            raise DocumentError([Problem(path, message)])
        body = cls(data=document)
        faults = unknown_keys(document, body.fields)
        if not body.is_valid():
            faults += [with_value(problem, document) for problem in flatten(body.errors)]
        if faults:
            raise DocumentError([problem.at(path) for problem in faults])
        return dict(body.validated_data)


class Flag(serializers.BooleanField):
    """true or false, and nothing that merely looks like it."""

    default_error_messages = {"invalid": "Send true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Whole(serializers.IntegerField):
    """A whole number, not its text."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class Line(serializers.CharField):
    """A string, not a number that could be one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class RecordId(Whole):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, **kwargs)


def with_value(problem: Problem, document: Any) -> Problem:
    """The problem with the value that was sent, which DRF's own messages leave out."""
    value = document
    for part in problem.path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and (place := id_of(part)) is not None and place < len(value):
            value = value[place]
        else:
            return problem
    message = _("%(message)s You sent %(value)s.") % {"message": problem.message, "value": shown(value)}
    return Problem(problem.path, message, value)


def shown(value: Any) -> str:
    """A value as JSON, short enough for a sentence."""
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
