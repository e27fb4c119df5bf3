"""From the first two characters of a Canadian postcode to the zones where it is in use.

The letter is a province or a part of one, and a digit 0 the country around its towns.
Where a province has several clocks, those beside its own are where the tz database's
zone.tab has them: Labrador, the Lower North Shore and the Magdalen Islands, northwest
Ontario, Lloydminster, and British Columbia's east.  Creighton lives by Manitoba's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_LETTERS: Final = {
    "A": "America/St_Johns",
    "BC": "America/Halifax",
    "E": "America/Moncton",
    "GHJKLMNP": "America/Toronto",
    "R": "America/Winnipeg",
    "S": "America/Regina America/Swift_Current",
    "T": "America/Edmonton",
    "V": "America/Vancouver",
    "X": (
        "America/Atikokan America/Cambridge_Bay America/Edmonton America/Inuvik "
        "America/Iqaluit America/Rankin_Inlet America/Resolute"
    ),
    "Y": "America/Dawson America/Whitehorse",
}

_ALSO: Final = {
    "A0 A2": "America/Goose_Bay",
    "G0 G4": "America/Blanc-Sablon America/Halifax",
    "P0 P8 P9": "America/Atikokan America/Winnipeg",
    "S0": "America/Edmonton America/Winnipeg",
    "S9": "America/Edmonton",
    "V0 V1": "America/Creston America/Dawson_Creek America/Edmonton America/Fort_Nelson",
}


@lru_cache(maxsize=1)
def zones_by_prefix() -> dict[str, tuple[str, ...]]:
    """``V1`` -> the zones of all postcodes that begin so."""
    also = {prefix: zones for some, zones in _ALSO.items() for prefix in some.split()}
    return {
        prefix: tuple(sorted({*zones.split(), *also.get(prefix, "").split()}))
        for letters, zones in _LETTERS.items()
        for prefix in (f"{letter}{digit}" for letter in letters for digit in range(10))
    }
