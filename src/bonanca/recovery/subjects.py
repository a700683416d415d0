"""References to people who were erased: kept sealed, because erasing them again needs them and nobody else does.

Nothing here is ever shown to anybody.
"""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

from bonanca.kernel.errors import Unavailable

_NONCE = 12


class ReferenceUnreadable(Unavailable):
    """The secret key of this installation is not the one with which a reference was sealed."""


def mark_of(service: str, reference: str) -> str:
    """A keyed hash: equal for the same person of a service, and nobody without the key can tell whose it is."""
    return hmac.new(_key(settings.SECRET_KEY, b"mark"), f"{service}\0{reference}".encode(), sha256).hexdigest()


def seal(service: str, reference: str) -> str:
    """The reference, encrypted for this installation and bound to the service."""
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(_key(settings.SECRET_KEY, b"seal")).encrypt(nonce, reference.encode(), service.encode())
    return urlsafe_b64encode(nonce + sealed).decode()


def unseal(service: str, text: str) -> str:
    """What `seal` was given, with the present secret key or an earlier one (SECRET_KEY_FALLBACKS).

    Raises:
        ReferenceUnreadable: none of them opens it.
    """
    raw = urlsafe_b64decode(text)
    for key in _keys():
        try:
            return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], service.encode()).decode()
        except InvalidTag:
            continue
    raise ReferenceUnreadable(
        _("The references of people who were erased cannot be read: they were sealed with another secret key."),
        hint=_("Give this installation the secret key that it had before (BONANCA_SECRET_KEY)."),
    )


def _keys() -> Iterator[bytes]:
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield _key(secret, b"seal")


def _key(secret: str | bytes, purpose: bytes) -> bytes:
    material = secret if isinstance(secret, bytes) else secret.encode()
    return HKDF(SHA256(), 32, salt=None, info=b"bonanca erasures " + purpose).derive(material)
