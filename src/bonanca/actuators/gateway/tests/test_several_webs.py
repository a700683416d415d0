"""The agent has several webs to ask: the loss of one costs it one question."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bonanca.actuators.gateway.agent.web import Token, Web, WebSilent
from bonanca.actuators.postgres.ports import free_port


class _Unchanged(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_one_that_does_not_answer_is_left_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONANCA_GATEWAY_TOKEN", "secret")
    server = HTTPServer(("127.0.0.1", 0), _Unchanged)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    async def ask() -> None:
        web = Web(f"http://127.0.0.1:{free_port()}, http://127.0.0.1:{server.server_port}/", "default", Token())
        try:
            with pytest.raises(WebSilent):
                await web.desired(since=0, wait_s=0.1)
            for _ in range(2):
                assert await web.desired(since=0, wait_s=0.1) is None
        finally:
            await web.close()

    try:
        asyncio.run(ask())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
