"""Bytes between this process and a page, over HTTP on the loopback address: a secure context, no copies as text.

Knows neither tensors nor browsers. The address holds a secret, so that no other user of the machine is answered.
"""

from __future__ import annotations

import http.server
import secrets
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KINDS = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}


class Loopback:
    """Serves `files` (name -> path) and what is offered under a name, and keeps what the page posts."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.offered: dict[str, bytes | Path] = dict(files)
        self.posted: dict[str, bytes] = {}
        self._secret = secrets.token_urlsafe(12)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{self._secret}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        offered, posted, prefix = self.offered, self.posted, f"/{self._secret}/"

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                super().setup()

            def do_GET(self) -> None:
                name = self.path.removeprefix(prefix)
                content = offered.get(name) if self.path.startswith(prefix) else None
                if isinstance(content, Path):
                    content = content.read_bytes()
                self._answer(404 if content is None else 200, content or b"", Path(name).suffix)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                if self.path.startswith(prefix):
                    posted[self.path.removeprefix(prefix)] = self.rfile.read(length)
                self._answer(200 if self.path.startswith(prefix) else 404, b"", "")

            def _answer(self, status: int, content: bytes, suffix: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", KINDS.get(suffix, "application/octet-stream"))
                self.send_header("Cache-Control", "no-store")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        return Handler
