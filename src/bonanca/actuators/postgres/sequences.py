"""Numbers that were given out are not given out again: sequences never go back with the data.

A customer was told "order 1042". After a return to a pin the sequence would hand 1042 to somebody else, before or
instead of the order that is set aside.
"""

from __future__ import annotations

from bonanca.actuators.postgres.sessions import Connection, one

_SEQUENCES = """
    SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences
    WHERE increment_by > 0 AND last_value IS NOT NULL ORDER BY 1
"""


def advance_sequences(newer: Connection, live: Connection) -> dict[str, int]:
    """Advance each sequence of `live` to where it stands in `newer`, if that is further.

    Returns the sequences that were advanced, with their new last value. Repeating it changes nothing.
    """
    reached: dict[str, int] = dict(live.execute(_SEQUENCES).fetchall())
    advanced = {}
    for name, value in newer.execute(_SEQUENCES).fetchall():
        if one(live, "SELECT to_regclass(%s)", (name,)) is not None and value > reached.get(name, 0):
            live.execute("SELECT setval(%s::regclass, %s)", (name, value))
            advanced[name] = value
    return advanced
