"""A mail server for each test that asks for one, and messages in English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bonanca.notify.tests.mail_server import MailServer


@pytest.fixture(autouse=True)
def _english(english: None) -> None: ...


@pytest.fixture
def mail(settings: Any) -> Iterator[MailServer]:
    from bonanca.notify.tests.mail_server import MailServer

    server = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    yield server
    server.stop()
