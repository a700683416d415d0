"""The ways out. Each is a folder with its code and its fake, behind one function."""

from __future__ import annotations

from bonanca.notify.channels.contract import CannotDeliver
from bonanca.notify.channels.email import send as send_email

__all__ = ["CannotDeliver", "deliver"]


def deliver(channel: str, to: str, subject: str, body: str, message_id: str) -> None:
    """Hand a message to a channel; returning means that the other side has accepted it.

    Raises:
        CannotDeliver: it did not; `permanent` says whether another try could help.
    """
    if channel == "email":
        send_email(to, subject, body, message_id)
    else:
        raise CannotDeliver(f"there is no channel {channel}", permanent=True)
