"""E-mail over SMTP, through Django."""

from __future__ import annotations

import smtplib
from email.header import Header
from typing import Any

from django.core.mail import EmailMessage

from bonanca.notify.channels.contract import CannotDeliver

__all__ = ["send"]


class _Message(EmailMessage):
    """A message whose long subject begins on the line of its name.

    Django encodes a subject as if it had a line for itself; folded once more on its way out, it then begins after an
    empty line, which mail programs show as a blank before the words (RFC 5322, 2.2.3; RFC 2047, 2).
    """

    def message(self, **options: Any) -> Any:
        built = super().message(**options)  # refuses a subject of several lines
        subject = str(self.subject)
        # Plain words stay plain: what searches raw mail, and people who read it so, find them.
        charset = "us-ascii" if subject.isascii() else "utf-8"
        built.replace_header("Subject", Header(subject, charset, header_name="Subject"))
        return built


def send(to: str, subject: str, body: str, message_id: str) -> None:
    """Hand one plain-text message to the configured SMTP server.

    Raises:
        CannotDeliver: the server refused it (permanently for a 5xx answer) or could not be reached.
    """
    message = _Message(subject, body, to=[to], headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"})
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as refused:
        code, reason = next(iter(refused.recipients.values()))
        raise CannotDeliver(f"{code} {reason!r}", permanent=code >= 500) from refused
    except smtplib.SMTPResponseException as refused:
        raise CannotDeliver(
            f"{refused.smtp_code} {refused.smtp_error!r}", permanent=refused.smtp_code >= 500
        ) from refused
    except (OSError, smtplib.SMTPException) as failure:
        raise CannotDeliver(f"the SMTP server cannot be reached: {failure}") from failure
