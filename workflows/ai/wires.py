"""How providers are spoken to: the two forms of requests and answers, and nothing about what is asked."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from workflows.ai.typed import Schema
from workflows.models import AIProvider

Document = dict[str, Any]
Kind, Structure = AIProvider.Kind, AIProvider.Structure
#: The version of Anthropic's interface that is spoken here.
VERSION = "2023-06-01"
SEARCHES = 5
#: Hosts whose newer models refuse `max_tokens` for the name that other servers do not know.
NEWER = ("api.openai.com",)
ANSWER = "answer"


@dataclass(frozen=True)
class Question:
    """What a model is asked: its task, what the person wants, and the form of the answer."""

    system: str
    text: str
    schema: Schema
    search: bool = False


@dataclass(frozen=True)
class Reply:
    """What came back: `values` None when it was no JSON object, then `why` says in a sentence what it was instead."""

    values: Document | None = None
    why: str = ""
    read: int = 0
    written: int = 0
    sources: list[str] = field(default_factory=list)


class Malformed(ValueError):
    """The answer is not what such a provider sends."""


class Wire(ABC):
    place = ""

    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json"}

    @abstractmethod
    def body(self, provider: AIProvider, question: Question, host: str) -> Document:
        """The JSON a question is sent as."""

    @abstractmethod
    def reply(self, document: Document) -> Reply:
        """What an answer with 200 says. Raises Malformed."""

    @abstractmethod
    def asked(self, body: Document) -> str:
        """What a request says, for people."""


class OpenAI(Wire):
    place = "/chat/completions"

    def body(self, provider: AIProvider, question: Question, host: str) -> Document:
        longest = "max_completion_tokens" if host in NEWER else "max_tokens"
        found: Document = {
            "model": provider.model,
            "messages": [
                {"role": "system", "content": f"{question.system}\n{worded(question.schema)}"},
                {"role": "user", "content": question.text},
            ],
            longest: provider.longest,
        }
        if provider.structure == Structure.SCHEMA:
            form = {"name": ANSWER, "strict": True, "schema": question.schema}
            found["response_format"] = {"type": "json_schema", "json_schema": form}
        elif provider.structure == Structure.OBJECT:
            found["response_format"] = {"type": "json_object"}
        if question.search:
            found["web_search_options"] = {}
        return found

    def reply(self, document: Document) -> Reply:
        choice = first(document.get("choices"))
        message = choice.get("message")
        if not isinstance(message, dict):
            raise Malformed
        told = document.get("usage")
        usage = told if isinstance(told, dict) else {}
        counts: dict[str, Any] = {"read": count(usage, "prompt_tokens"), "written": count(usage, "completion_tokens")}
        if choice.get("finish_reason") == "length":
            return Reply(why=too_long(), **counts)
        if message.get("refusal") or choice.get("finish_reason") == "content_filter":
            return Reply(why=refused(message.get("refusal")), **counts)
        found = object_in(message.get("content"))
        cited = (one.get("url_citation") for one in dicts(message.get("annotations")))
        return Reply(found, "" if found is not None else no_json(), sources=urls(cited), **counts)

    def asked(self, body: Document) -> str:
        return "\n\n".join(str(one.get("content")) for one in dicts(body.get("messages")))


class Anthropic(Wire):
    place = "/messages"

    def headers(self) -> dict[str, str]:
        return super().headers() | {"anthropic-version": VERSION}

    def body(self, provider: AIProvider, question: Question, host: str) -> Document:
        about = "Gives the answer. Call it exactly once, at the end."
        tools: list[Document] = [{"name": ANSWER, "description": about, "input_schema": question.schema}]
        choice: Document = {"type": "tool", "name": ANSWER}
        if question.search:
            # Whoever is made to call one tool cannot look things up with another first.
            tools.append({"type": "web_search_20250305", "name": "web_search", "max_uses": SEARCHES})
            choice = {"type": "auto"}
        return {
            "model": provider.model, "max_tokens": provider.longest, "system": question.system,
            "messages": [{"role": "user", "content": question.text}], "tools": tools, "tool_choice": choice,
        }  # fmt: skip

    def reply(self, document: Document) -> Reply:
        parts, usage = dicts(document.get("content")), document.get("usage")
        if not isinstance(document.get("content"), list):
            raise Malformed
        usage = usage if isinstance(usage, dict) else {}
        counts: dict[str, Any] = {"read": count(usage, "input_tokens"), "written": count(usage, "output_tokens")}
        stopped = document.get("stop_reason")
        if stopped == "max_tokens":
            return Reply(why=too_long(), **counts)
        if stopped == "refusal":
            return Reply(why=refused(""), **counts)
        given = [one.get("input") for one in parts if one.get("type") == "tool_use" and one.get("name") == ANSWER]
        texts = "".join(str(one.get("text") or "") for one in parts if one.get("type") == "text")
        found = given[-1] if given and isinstance(given[-1], dict) else object_in(texts)
        return Reply(found, "" if found is not None else no_json(), sources=looked_at(parts), **counts)

    def asked(self, body: Document) -> str:
        return "\n\n".join(
            [str(body.get("system")), *(str(one.get("content")) for one in dicts(body.get("messages")))]
        )


WIRES: dict[str, Wire] = {Kind.OPENAI: OpenAI(), Kind.ANTHROPIC: Anthropic()}


def worded(schema: Schema) -> str:
    """The form of the answer in words, for models that are given no schema, or pay it no heed."""
    return f"Answer with one JSON object and nothing else. Its JSON schema: {json.dumps(schema, ensure_ascii=False)}"


def object_in(text: Any) -> Document | None:
    """The JSON object a text is, or holds between fences; None when there is none."""
    if not isinstance(text, str):
        return None
    start, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def first(value: Any) -> Document:
    found = dicts(value)
    if not found:
        raise Malformed
    return found[0]


def dicts(value: Any) -> list[Document]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def count(usage: Document, name: str) -> int:
    value = usage.get(name)
    return min(value, 10**9) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def looked_at(parts: list[Document]) -> list[str]:
    """The pages of a search: those cited where any are, else those found."""
    cited = [one for part in parts for one in dicts(part.get("citations"))]
    found = [
        one for part in parts if part.get("type") == "web_search_tool_result" for one in dicts(part.get("content"))
    ]
    return urls(iter(cited or found))


def urls(cited: Iterator[Any]) -> list[str]:
    listed = (one.get("url") for one in cited if isinstance(one, dict))
    return list(dict.fromkeys(url[:2_000] for url in listed if isinstance(url, str) and url.startswith("http")))[:20]


def too_long() -> str:
    return _("The answer was longer than the provider may make it. Ask for less, or allow longer answers there.")


def refused(said: Any) -> str:
    why = str(said or "").strip()[:300]
    if not why:
        return _("The model refused to answer. Word the prompt in another way.")
    return _("The model refused to answer: “%(why)s” Word the prompt in another way.") % {"why": why}


def no_json() -> str:
    return _(
        "The model answered in words and not as it was asked to. Try another model, or another way of asking for "
        "typed answers at the provider."
    )
