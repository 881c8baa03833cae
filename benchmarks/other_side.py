"""The other systems of the actions' benchmark: a process on this machine that answers everything asked at once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

VALUES = {"answer": "Fine", "summary": "A contact.", "country": "Sweden"}
#: What is answered, by a part of the path; like the providers of models, of text messages and of WhatsApp do.
ANSWERS = {
    "/chat/completions": {
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": json.dumps(VALUES)}}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 30},
    },
    "/Messages.json": {"sid": "SM1", "status": "queued"},
    "/messages": {"messages": [{"id": "wamid.1"}]},
    "": {"score": 7},
}  # fmt: skip


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read one request, answer it and hang up."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    path = head.split(" ")[1]
    sizes = [line.partition(":")[2] for line in head.splitlines() if line.lower().startswith("content-length:")]
    await reader.readexactly(int(sizes[0]) if sizes else 0)
    body = json.dumps(next(document for part, document in ANSWERS.items() if part in path)).encode()
    kind = "Content-Type: application/json\r\nConnection: close"
    writer.write(f"HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    writer.close()


async def serve() -> None:
    """Listen on a port the system chooses, and say which; ends with whoever reads that."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextmanager
def other_side() -> Iterator[str]:
    """A running one; gives its place, "127.0.0.1:port"."""
    command = [sys.executable, "-m", "benchmarks.other_side"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait()


if __name__ == "__main__":
    asyncio.run(serve())
