"""The time zones there are to choose from."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache

#: A name that means another zone on each machine, and none to the database.
OF_THE_MACHINE = "localtime"


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The names of all zones, like "Europe/Stockholm", that both this program and the database know.

    Without what some machines have besides, like "right/UTC", whose clocks count leap seconds.
    """
    return frozenset(zoneinfo.available_timezones()) - {OF_THE_MACHINE}
