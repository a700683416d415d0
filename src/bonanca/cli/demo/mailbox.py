"""A real SMTP server on loopback, and what it has received."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from bonanca.actuators.postgres.ports import free_port


@dataclass(frozen=True)
class Received:
    """One message and when the server accepted it (UTC)."""

    at: datetime
    to: tuple[str, ...]
    message: EmailMessage


class Mailbox:
    """Runs in a thread of its own; `stop` ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def start(self) -> None:
        """Listen."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop(no_assert=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the message; the answer is what makes the sender believe it."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        with self._lock:
            self._received.append(Received(datetime.now(UTC), tuple(envelope.rcpt_tos), message))
        return "250 accepted"

    def about(self, words: str) -> Received | None:
        """Return the first message whose subject contains `words`."""
        with self._lock:
            return next((r for r in self._received if words in str(r.message["Subject"])), None)

    def received(self) -> tuple[Received, ...]:
        """Return everything, oldest first."""
        with self._lock:
            return tuple(self._received)

    def __len__(self) -> int:
        with self._lock:
            return len(self._received)
