"""Reading pins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from bonanca.actuators.files.store import ContentLost
from bonanca.kernel.errors import NotFound, Unavailable
from bonanca.recovery.folders import contents
from bonanca.recovery.models import Pin
from bonanca.recovery.state import PinKind, PinState
from bonanca.recovery.views import PinPrice, PinView


class PinNotFound(NotFound):
    """There is no such pin."""


def get_pin(pin_id: UUID) -> PinView:
    """Raises PinNotFound."""
    pin = Pin.objects.filter(pk=pin_id).first()
    if pin is None:
        raise PinNotFound(_("There is no pin %(id)s.") % {"id": pin_id})
    return pin_view(pin)


def pin_by_key(key: str) -> PinView | None:
    """The pin that was recorded under a step's key."""
    pin = Pin.objects.filter(key=key).first()
    return None if pin is None else pin_view(pin)


def latest_pin(service: str, before: datetime | None = None) -> PinView | None:
    """The newest pin of the service that can still be returned to, taken at or before a moment."""
    pins = Pin.objects.filter(service=service, state=PinState.READY)
    if before is not None:
        pins = pins.filter(taken_at__lte=before)
    pin = pins.order_by("-taken_at").first()
    return None if pin is None else pin_view(pin)


def pin_of_change(change_id: UUID | str) -> PinView | None:
    """The newest pin that was taken for a change and can still be returned to."""
    pin = Pin.objects.filter(change_id=str(change_id), state=PinState.READY).order_by("-taken_at").first()
    return None if pin is None else pin_view(pin)


def pinned_configuration(pin_id: UUID) -> bytes:
    """The configuration file as it was pinned; empty when there was none.

    Raises:
        PinNotFound: no such pin. Unavailable: its kept content is gone, or this is not the machine that keeps it.
    """
    pin = get_pin(pin_id)
    if not pin.config_sha256:
        return b""
    try:
        return contents().get(pin.config_sha256)
    except ContentLost as error:
        raise Unavailable(str(error)) from error


def pins_of(service: str, *, limit: int = 20) -> tuple[PinView, ...]:
    """The service's pins, newest first."""
    return tuple(pin_view(pin) for pin in Pin.objects.filter(service=service).order_by("-taken_at")[:limit])


def pin_prices(service: str) -> dict[PinKind, PinPrice]:
    """What the service's last pin of each kind cost; kinds that were never taken here are missing."""
    found = {}
    for kind in PinKind:
        pin = Pin.objects.filter(service=service, kind=kind).exclude(database="").order_by("-taken_at").first()
        if pin is not None:
            costs = (pin.held_seconds, pin.took_seconds, pin.size_bytes)
            found[kind] = PinPrice(kind, *costs, taken_at=pin.taken_at, method=pin.method)
    return found


def pin_view(pin: Pin) -> PinView:
    """A pin's row as a value (for this room's operations)."""
    names = [name for name in PinView.__dataclass_fields__ if name not in ("state", "kind")]
    return PinView(state=PinState(pin.state), kind=PinKind(pin.kind), **{name: getattr(pin, name) for name in names})
