"""Points for loyal customers: the more often they buy, the more each real is worth."""

# Points for each real spent, by the customer's segment.
POINTS = (1, 2)


def points(segment: int, total_cents: int) -> int:
    """The points that an order earns."""
    return POINTS[segment] * total_cents // 100
