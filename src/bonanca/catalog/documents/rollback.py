"""Read how a service goes back."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bonanca.catalog.documents.commands import read_command
from bonanca.catalog.documents.reader import EMAIL, Reader
from bonanca.catalog.documents.verification import checks_fit, read_verify
from bonanca.catalog.spec import AUDIENCES, STRATEGIES, RollbackSpec, ServiceView, WatchSpec

DAY_S = 86_400.0


def read_rollback(reader: Reader) -> RollbackSpec:
    """The way back; everything has a default."""
    return RollbackSpec(
        strategy=reader.choice("strategy", STRATEGIES, "instant"),
        announce=_announce(reader),
        pause=read_command(reader, "pause"),
        resume=read_command(reader, "resume"),
        drain_s=reader.number("drain_s", 10.0, above=True, maximum=3600),
        verify=reader.each("verify", read_verify, _("a check")),
        watch=reader.one("watch", _watch) or WatchSpec(),
        kept_for_h=reader.number("kept_for_h", 168.0, above=True, maximum=24 * 366),
    )


def rollback_fits(reader: Reader, service: ServiceView) -> None:
    """Note what the declared way back needs of the rest of the service and does not find."""
    declared = service.rollback
    if declared is None:
        return
    checks_fit(reader, service, (*service.verify, *declared.verify) if declared.verify else (), "rollback")
    place = reader.entries["rollback"]
    if bool(declared.pause) != bool(declared.resume):
        reader.wrong(
            place,
            _("%(what)s: rollback has only one of pause and resume") % {"what": reader.what},
            _("both: what is held has to go on again"),
        )
    if (declared.pause or declared.resume) and service.root is None:
        reader.wrong(
            place,
            _("%(what)s: rollback.pause and rollback.resume need root") % {"what": reader.what},
            _("the folder for releases and process records"),
        )


def _announce(reader: Reader) -> tuple[str, ...]:
    if reader.take("announce") is None:
        return RollbackSpec.announce
    found = []
    for node in reader.items("announce"):
        word = str(node.value).lower() if isinstance(node.value, str) else ""
        if word in AUDIENCES or EMAIL.fullmatch(word):
            found.append(word)
        else:
            expected = _("%(words)s, or an e-mail address") % {"words": ", ".join(AUDIENCES)}
            reader.bad(node, "announce", expected)
    return tuple(dict.fromkeys(found))


def _watch(reader: Reader) -> WatchSpec:
    return WatchSpec(
        seconds=reader.number("seconds", 15.0, above=True, maximum=DAY_S),
        tolerated_percent=reader.number("tolerated_percent", 1.0, maximum=100),
    )
