"""Forget what is no longer needed: failed attempts, spent links, ended sessions."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db.models import Q

from bonanca.access.models import LoginAttempt, LoginLink

KEPT = timedelta(days=1)


def forget_expired(*, now: datetime) -> None:
    """Delete attempts and links of more than a day ago and sessions that have expired; called when somebody signs in.

    This room lies below the worker's periodic jobs, and nothing piles up while nobody signs in.
    """
    LoginAttempt.objects.filter(at__lt=now - KEPT).delete()
    LoginLink.objects.filter(Q(expires_at__lt=now - KEPT) | Q(used_at__lt=now - KEPT)).delete()
    Session.objects.filter(expire_date__lt=now).delete()
