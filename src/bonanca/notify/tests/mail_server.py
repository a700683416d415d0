"""A real SMTP server on loopback that answers as a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from bonanca.actuators.postgres.ports import free_port


class MailServer:
    """`answers` says what a recipient gets (default: accepted); `received` is what was accepted, `raw` its bytes."""

    def __init__(self) -> None:
        self.port = free_port()
        self.answers: dict[str, str] = {}
        self.on_data: Callable[[], str] = lambda: "250 accepted"
        self._lock = threading.Lock()
        self._received: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self._controller: Controller | None = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    @property
    def received(self) -> list[EmailMessage]:
        with self._lock:
            return list(self._received)

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop(no_assert=True)
        self._controller = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 ok")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        answer = self.on_data()
        if answer.startswith("250"):
            with self._lock:
                self.raw.append(envelope.content)
                self._received.append(message_from_bytes(envelope.content, policy=policy.default))
        return answer
