"""Sign in with e-mail and password, with a limit on guessing."""

from __future__ import annotations

import ipaddress
from datetime import datetime

from django.contrib.auth import authenticate
from django.db import transaction
from django.utils.translation import gettext as _

from bonanca.access.actors import person
from bonanca.access.models import LoginAttempt, User
from bonanca.access.operations.forget_expired import forget_expired
from bonanca.access.operations.limit_attempts import WINDOW, Limited, forget_attempt, reserve_attempt
from bonanca.kernel.audit import record
from bonanca.kernel.errors import Conflict, NotAllowed

# Far above what a person mistypes, far below what guessing needs; an address may be a whole office.
PER_ACCOUNT = 10
PER_ADDRESS = 60


__all__ = ["PER_ACCOUNT", "PER_ADDRESS", "WINDOW", "TooManyAttempts", "WrongCredentials", "network_of", "sign_in"]


class TooManyAttempts(Conflict):
    """Signing in is refused for a while, whatever the password: `retry_after_s` says how long."""

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        minutes = -(-retry_after_s // 60)
        super().__init__(
            _("Too many attempts. Try again in %(minutes)d min, or ask for a login link.") % {"minutes": minutes}
        )


class WrongCredentials(NotAllowed):
    """The e-mail address or the password is wrong, or the account is closed: which one is not told."""


def sign_in(*, email: str, password: str, address: str, now: datetime) -> User:
    """Return the account if the password is right.

    The attempt is counted before the password is looked at, under a lock of the account and of the address, so that
    many attempts at once over several web processes get no more tries than one after the other. An unknown account
    takes as long as a wrong password.

    Raises:
        TooManyAttempts: this account or this address has failed too often within WINDOW.
        WrongCredentials: the address or password is wrong.
    """
    account = email.strip().lower()[:150]
    keys = (f"account:{account}", f"address:{network_of(address)}")
    try:
        reserved = reserve_attempt(dict(zip(keys, (PER_ACCOUNT, PER_ADDRESS), strict=True)), now=now)
    except Limited as limited:
        raise TooManyAttempts(limited.retry_after_s) from None
    user = authenticate(username=account, password=password)
    if not isinstance(user, User):
        raise WrongCredentials(_("The e-mail address or the password is wrong."), field="email")
    with transaction.atomic():
        # The right person is in: their own mistakes are forgotten, those of their address are not.
        LoginAttempt.objects.filter(key=keys[0]).delete()
        forget_attempt(reserved)
        facts = {"by": "password", "address": address}
        forget_expired(now=now)
        record(aggregate=f"user:{user.id}", action="user.signed_in", actor=person(user).label, facts=facts, now=now)
    return user


def network_of(address: str) -> str:
    """Return the address, or its /64 for IPv6, where one host has that many addresses to itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if ip.version == 6:
        mapped = ip.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(ip), 64), strict=False))
    return str(ip)
