"""Keys of people, in age's form: public ones (recipients) are declared, private ones (identities) are read from a file.

A private key is read when something is opened and never stored: not in the database, not beside a backup.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from django.utils.translation import gettext as _
from pyrage import IdentityError, RecipientError, x25519

from bonanca.kernel.errors import Invalid, Unavailable


class InvalidRecipient(Invalid):
    """This is not an age public key."""


class IdentityUnreadable(Unavailable):
    """The file with the private key cannot be used; the message says why."""


def recipients_of(keys: Sequence[str]) -> list[x25519.Recipient]:
    """Parse public keys ("age1…").

    Raises:
        InvalidRecipient: there is none, or one is not a public key.
    """
    if not keys:
        raise InvalidRecipient(
            _("A backup needs at least one recipient."),
            field="recipients",
            hint=_("Create a key with `bonanca backup keygen FILE` and declare the public key it prints."),
        )
    found = []
    for key in keys:
        try:
            found.append(x25519.Recipient.from_str(key.strip()))
        except RecipientError as error:
            raise InvalidRecipient(
                _("'%(key)s' is not an age public key (age1…).") % {"key": _shown(key)}, field="recipients"
            ) from error
    return found


def identities_of(keys: Sequence[str]) -> list[x25519.Identity]:
    """Parse private keys ("AGE-SECRET-KEY-1…").

    Raises:
        IdentityUnreadable: one of them is not an age private key. The message never shows it.
    """
    try:
        return [x25519.Identity.from_str(key.strip()) for key in keys]
    except IdentityError as error:
        raise IdentityUnreadable(_("A private key is not in age's form (AGE-SECRET-KEY-1…).")) from error


def public_keys_of(keys: Sequence[str]) -> tuple[str, ...]:
    """The public keys ("age1…") that belong to private ones.

    Raises:
        IdentityUnreadable: one of them is not an age private key.
    """
    return tuple(str(identity.to_public()) for identity in identities_of(keys))


def read_identity_file(path: Path) -> tuple[str, ...]:
    """The private keys of a file as `age-keygen` writes it: one a line, `#` begins a comment.

    Raises:
        IdentityUnreadable: no such file, not readable, open to others, or without a key.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or _("it is not text")
        raise IdentityUnreadable(
            _("%(path)s: the private key cannot be read (%(reason)s).") % {"path": path, "reason": reason},
            hint=_("Bring the key file to this machine for the restore, or say where it is with --identity-file."),
        ) from error
    if mode & 0o077:
        raise IdentityUnreadable(
            _("%(path)s: the private key is readable by others (mode %(mode)s).")
            % {"path": path, "mode": format(mode, "04o")},
            hint=_("Run: chmod 600 %(path)s") % {"path": path},
        )
    keys = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    if not keys:
        raise IdentityUnreadable(_("%(path)s: there is no private key in this file.") % {"path": path})
    identities_of(keys)
    return keys


def create_identity_file(path: Path) -> str:
    """Write a fresh private key to `path` (0600, never over an existing file) and return its public key.

    Raises:
        FileExistsError: there is a file already.
        OSError: it cannot be written.
    """
    identity = x25519.Identity.generate()
    public = str(identity.to_public())
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(f"# public key: {public}\n{identity}\n")
    return public


def _shown(key: str) -> str:
    """A wrong public key may be a private one pasted in its place: never repeat that."""
    return "AGE-SECRET-KEY-…" if key.strip().upper().startswith("AGE-SECRET-KEY") else key[:80]
