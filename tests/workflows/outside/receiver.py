"""An HTTP server on this machine that keeps what it gets and answers as told."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """`answer` gets each request and gives status, headers and body; it may wait, and write to the line itself."""

    url: str = ""
    place: str = ""
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received, Any], tuple[int, dict[str, str], bytes] | None] = lambda request, line: (200, {}, b"")
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.command, self.path, headers, self.rfile.read(size))
            with receiver.lock:
                receiver.received.append(request)
            answer = receiver.answer(request, self.wfile)
            if answer is None:
                return
            status, sent, body = answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **sent}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

        def log_message(self, *_arguments: Any) -> None:
            return

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: Any) -> None:
            """Whoever asked has hung up."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    receiver.place = f"127.0.0.1:{server.server_port}"
    receiver.url = f"http://{receiver.place}"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
