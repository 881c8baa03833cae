"""A server on this machine that answers as the providers of language models do, in their formats."""

from __future__ import annotations

import json
from typing import Any

from records.clock import database_now
from workflows.ai import providers
from workflows.models import AIProvider
from workflows.outside import connecting


def openai(values: Any, *, finish: str = "stop", pages: tuple[str, ...] = (), **message: Any) -> bytes:
    """An answer to POST /v1/chat/completions, as OpenAI documents it."""
    text = values if isinstance(values, str) or values is None else json.dumps(values)
    cited = [{"type": "url_citation", "url_citation": {"url": url, "title": "A page"}} for url in pages]
    said = {"role": "assistant", "content": text, "refusal": None, "annotations": cited, **message}
    document = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": "small-1",
        "choices": [{"index": 0, "message": said, "logprobs": None, "finish_reason": finish}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150},
    }  # fmt: skip
    return json.dumps(document).encode()


def anthropic(values: Any, *, stop: str = "tool_use", pages: tuple[str, ...] = ()) -> bytes:
    """An answer to POST /v1/messages, as Anthropic documents it; a text where `values` is one."""
    content: list[dict[str, Any]] = []
    if pages:
        found = [
            {"type": "web_search_result", "url": url, "title": "A page", "encrypted_content": "x"} for url in pages
        ]
        content += [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "Acme"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": found},
        ]
    if isinstance(values, str):
        content.append({"type": "text", "text": values})
    else:
        content.append({"type": "tool_use", "id": "toolu_1", "name": "answer", "input": values})
    document = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "large-1", "content": content,
        "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": 200, "output_tokens": 40},
    }  # fmt: skip
    return json.dumps(document).encode()


def saying(*answers: bytes | tuple[int, dict[str, str], bytes]) -> Any:
    """Answers one after the other, the last one for ever; bytes are a body with 200."""
    left = list(answers)

    def answer(request: Any, line: Any) -> tuple[int, dict[str, str], bytes]:
        one = left.pop(0) if len(left) > 1 else left[0]
        return (200, {"Content-Type": "application/json"}, one) if isinstance(one, bytes) else one

    return answer


def provider(url: str, user: Any, kind: str = "openai", **facts: Any) -> AIProvider:
    """A provider behind a connection with a key, as people set them up."""
    auth = {"auth": "bearer"} if kind == "openai" else {"auth": "header", "auth_name": "x-api-key"}
    sign_in = {"name": f"Key of {kind}", "origin": url, **auth, "secret": f"sk-{kind}-0123456789"}
    connection = connecting.create(sign_in, by=user, now=database_now())
    return providers.save(
        AIProvider(), {"name": f"Model of {kind}", "kind": kind, "connection": connection, "model": "small-1", **facts}
    )
