"""Which of two copies of the time zone data is asked, and what depends on it."""

from __future__ import annotations

import pickle
import shutil
import zoneinfo
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import pytest

from bulksend.rules import hours, tz
from bulksend.rules.hours import Hours
from bulksend.rules.pack import shipped_rules
from bulksend.rules.place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SOUTH_OF_IT, WINTER = "America/Los_Angeles", datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """A system that takes Vancouver for the United States' coast, and says it in a file."""

    def forget() -> None:
        zoneinfo.ZoneInfo.clear_cache()
        for known in (tz.zone, tz._system_version, hours._alike, hours._moments):
            known.cache_clear()
        hours._FIRST_OF.clear()

    def make(name: str, version: str) -> None:
        (tmp_path / "America").mkdir()
        with as_file(files("tzdata").joinpath("zoneinfo", SOUTH_OF_IT)) as file:
            shutil.copy(file, tmp_path / "America" / "Vancouver")
        (tmp_path / name).write_text(version)

    zoneinfo.reset_tzpath(to=[tmp_path])
    forget()
    yield make
    zoneinfo.reset_tzpath()
    forget()


SAYS = [
    # the file, what stands in it, the hour there at noon UTC in December
    ("tzdata.zi", "# version 2025b\n# and so on", 5),
    ("tzdata.zi", "# version 2999a\n", 4),
    ("+VERSION", "2025b\n", 5),
    ("+VERSION", "2999a", 4),
    ("tzdata.zi", "# version unknown\n", 5),
    ("no_version", "", 5),
]


@pytest.mark.parametrize(("name", "version", "hour"), SAYS)
def test_the_newer_data_are_asked(
    system: Callable[[str, str], None], name: str, version: str, hour: int
) -> None:
    """Vancouver stays on summer time from 2026 on, which older data do not know."""
    system(name, version)
    assert WINTER.astimezone(tz.zone("America/Vancouver")).hour == hour


def test_a_window_follows_the_newer_data(system: Callable[[str, str], None]) -> None:
    """By the system's of 2025 a text at twenty to nine in the evening would be in time."""
    system("tzdata.zi", "# version 2025b\n")
    now = round(WINTER.timestamp() * 1000)
    found = Hours(shipped_rules(), "us-marketing").next(
        Place(("CA",), ("America/Vancouver",)), now
    )
    assert found is not None
    ends = datetime.fromtimestamp(found.end / 1000, UTC)
    assert f"{ends:%d %H:%M}" == "02 03:00"


def test_a_zone_is_the_same_one_after_a_pickle() -> None:
    """A campaign's deadline goes to workers."""
    moment = WINTER.astimezone(tz.zone("America/Vancouver"))
    again = pickle.loads(pickle.dumps(moment))
    assert again == moment
    assert again.tzinfo is tz.zone("America/Vancouver")


def test_a_zone_that_only_a_system_has_is_no_name() -> None:
    """Nothing tells which country Debian's US/Pacific-New is in."""
    assert {"America/New_York", "UTC", "US/Pacific", "Asia/Kolkata"} <= tz.names()
    assert not {"localtime", "US/Pacific-New", "posix/UTC"} & tz.names()
