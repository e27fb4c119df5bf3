"""The suppression list, as an operator works with it: by number, by file.

Numbers are read by the same rules as a campaign's, because an opt-out that is spelled
differently is an opt-out all the same.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from bulksend.errors import InputError, Problem
from bulksend.journal.store import Journal
from bulksend.journal.suppressions import (
    EVERY_SENDER,
    OPTED_OUT,
    SUPPRESSED,
    Cause,
    suppression,
)
from bulksend.logs import mask_numbers, mask_words
from bulksend.prepare.list_columns import Reading
from bulksend.prepare.lists import TOLD, read_list
from bulksend.prepare.source import scan
from bulksend.send.clocks import wall_ms
from bulksend.settle.exported import COLUMNS, entries, is_export, lines, suppressions
from bulksend.settle.said import read, read_sender
from bulksend.settle.spellings import spellings
from bulksend.whole import unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    import polars as pl

    from bulksend.home import Home
    from bulksend.journal.suppressions import Suppression
    from bulksend.storage.location import Where
    from bulksend.storage.spool import Spool

AT_ONCE = 100_000
BROUGHT_AT_ONCE = 10_000
"""Entries a transaction: each is weighed alone, and a sender must not wait for long."""
DAY_MS = 86_400_000


class Imported(NamedTuple):
    """What an import did.

    Args:
        numbers: Distinct numbers in the file.

        added: Those that were not suppressed before; of an export, entries that are new.

        lifted: Entries of an export that stay lifted, as a later word here lifted them.
    """

    numbers: int
    added: int
    notices: tuple[Problem, ...]
    lifted: int = 0


class Lifted(NamedTuple):
    """What was lifted.

    Args:
        opted_out: Entries among them that people's own words began.
    """

    entries: int
    opted_out: int


class Listed(NamedTuple):
    """One entry, for people and machines; times are in UTC."""

    number: str
    sender: str
    reason: str
    source: str
    since: datetime
    lifted_at: datetime | None
    lifted_by: str | None = None

    def as_dict(self, *, mask: bool) -> dict[str, str | None]:
        shown = mask_numbers if mask else str
        return {
            "number": shown(self.number),
            "sender": shown(self.sender),
            "reason": self.reason,
            "source": shown(self.source),
            "since": _iso(self.since),
            "lifted_at": _iso(self.lifted_at) if self.lifted_at else None,
            "lifted_by": self.lifted_by,
        }


class OptOutRate(NamedTuple):
    """Opt-outs in 24 hours against the lines that Bandwidth draws.

    Who opted out may have been texted earlier, and who was purged is not counted.
    """

    opted_out: int
    people: int

    @property
    def share(self) -> float:
        return self.opted_out / self.people if self.people else 0.0

    @property
    def may_audit(self) -> bool:
        return self.opted_out > 0.005 * self.people

    @property
    def may_suspend(self) -> bool:
        return self.opted_out > 0.04 * self.people

    def as_dict(self) -> dict[str, int | float]:
        return {"opted_out": self.opted_out, "people": self.people, "share": self.share}


def opt_out_rate(home: Home) -> OptOutRate:
    """Who opted out in the last 24 hours, of how many people texted in them."""
    if not home.journal.exists():
        return OptOutRate(0, 0)
    with Journal.open(home.journal, read_only=True) as journal:
        since = wall_ms() - DAY_MS
        if not journal.suppressions.opted_out_since(since):
            return OptOutRate(0, 0)  # then nobody needs to be counted
        return OptOutRate(*journal.suppressions.opt_out_rate(since=since))


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """Who must not be texted, in one journal.  Use `open`."""

    journal: Journal
    spool: Spool | None = field(default=None, repr=False)

    @classmethod
    @contextmanager
    def open(cls, home: Home, *, may_create: bool = True) -> Iterator[Self]:
        """The list in the journal of *home*.

        Args:
            may_create: Whether a journal is made where there is none.

        Raises:
            BulksendError: E603, where there is none, or none any more; what opening it
                says.
        """
        home.refuse_lost_journal()
        if not (may_create or home.journal.exists()):
            raise InputError(Problem("E603", "none is there", file=str(home.journal)))
        with Journal.open(home.journal, may_create=may_create) as journal:
            yield cls(journal, home.spool())

    def add(
        self,
        numbers: Sequence[str],
        *,
        region: str | None = None,
        sender: str = "",
        because: str = "operator",
    ) -> int:
        """Suppress *numbers*; how many were not suppressed before.

        Args:
            region: Where numbers without a country code belong.

            sender: The number of ours that it is about; "" for all.

            because: Who said so, for those who ask later; kept without numbers.

        Raises:
            InputError: E651, with every text that is no number; E657, where *sender* is
                none. Nothing was added.
        """
        about = read_sender(sender, region)
        why = Cause(SUPPRESSED, mask_words(because), wall_ms(), about)
        people = [suppression(number, why) for number in _read(numbers, region)]
        return self.journal.suppressions.add(people)

    def remove(
        self, numbers: Sequence[str], *, region: str | None = None, sender: str = ""
    ) -> Lifted:
        """Let *numbers* be texted again.

        Raises:
            InputError: E651, E657, as `add` does; nothing was lifted.
        """
        people, about = self.journal.suppressions, read_sender(sender, region)
        wanted = _read(numbers, region)
        own = sum(
            one.reason == OPTED_OUT and one.lifted_at is None
            for number in wanted
            for one in people.of(number)
            if about in (EVERY_SENDER, one.sender)
        )
        lifted = (people.lift(number, now=wall_ms(), sender=about) for number in wanted)
        return Lifted(sum(lifted), own)

    def check(self, number: str, *, region: str | None = None) -> list[Listed]:
        """All there ever was about a number, lifted or not."""
        people = self.journal.suppressions
        found = (one for each in _read([number], region) for one in people.of(each))
        return list(map(listed, found))

    def all(self) -> Iterator[Listed]:
        """Everyone who is suppressed now, in no order that tells anything."""
        return map(listed, self.journal.suppressions.all())

    def counts(self) -> dict[str, int]:
        """How many are suppressed now, by reason."""
        return self.journal.suppressions.counts()

    def import_file(
        self, file: Where, *, region: str | None = None, sender: str = ""
    ) -> Imported:
        """Suppress every number of a list: any kind of file that a campaign takes.

        What `export_file` wrote is read back as it was written: each entry with its
        sender, reason, source and date, by which it stands among the words that are here.

        Raises:
            InputError: The file cannot be read, or holds no numbers (E2xx); E656, E657,
                where *sender* is none or the file says it; E658, where it is an export
                and a row of it cannot be read. Nothing was added.
        """
        about = read_sender(sender, region)
        reading = Reading(Path(), (), region, keeps_out=True, spool=self.spool)
        if (export := _exported(str(file), reading)) is not None:
            if about:
                what = (
                    f"--sender, and {file.name} says which sender each entry is about"
                )
                raise InputError(Problem("E656", what, fix="Leave --sender out."))
            return self._bring_back(*export, file.name)
        found = read_list([str(file)], reading)
        why = Cause(SUPPRESSED, f"import {file.name}", wall_ms(), about)
        added = self.journal.suppressions.add_numbers(found.numbers, why)
        return Imported(len(found.numbers), added, found.notices)

    def _bring_back(
        self, found: pl.DataFrame, notices: tuple[Problem, ...], file: str
    ) -> Imported:
        """The entries of an export, among those that are here."""
        store, added, lifted = self.journal.suppressions, 0, 0
        for some in found.iter_slices(BROUGHT_AT_ONCE):
            people = sorted(suppressions(some, file))
            added += store.add(people)
            stand = store.standing([one.person for one in people])
            lifted += sum(
                (one.person, one.sender) not in stand
                and (one.person, EVERY_SENDER) not in stand
                for one in people
            )
        return Imported(found["number"].n_unique(), added, notices, lifted)

    def export_file(self, path: Path) -> int:
        """Write everyone who is suppressed now as CSV, numbers whole; how many.

        Raises:
            InputError: E652, where it cannot be written, stands there already, or is
                called like a file of another kind.
        """
        if path.suffix.lower() != ".csv":
            found = f"it ends in `{path.suffix}`" if path.suffix else "it has no ending"
            raise InputError(Problem("E652", found, ".csv", file=str(path)))
        try:
            with path.open("xb") as stream:
                path.chmod(0o600)
                try:
                    return _export(self.journal.suppressions.all(), stream)
                except BaseException:  # half of them would pass for all
                    path.unlink(missing_ok=True)
                    raise
        except OSError as error:
            elsewhere = "name a file on a disk that has some"
            raise unwritable("E652", error, path, elsewhere) from error


def _export(entries: Iterator[Suppression], stream: BinaryIO) -> int:
    count = 0
    stream.write(",".join(COLUMNS).encode() + b"\n")
    while some := list(islice(entries, AT_ONCE)):
        lines(some).write_csv(stream, include_header=False)
        count += len(some)
    stream.flush()
    return count


def _exported(
    file: str, reading: Reading
) -> tuple[pl.DataFrame, tuple[Problem, ...]] | None:
    """The entries of an export; None of any other list, and of what is none."""
    try:
        source = scan(
            [file],
            folder=reading.folder,
            spool=reading.spool,
            may_lack_header=True,
            may_guess_sheet=False,
        )
    except InputError:
        return None  # `read_list` says what is wrong with a list
    with source:
        if not is_export(source):
            return None
        told = tuple(one for one in source.notices if one.code in TOLD)
        return entries(source, file, region=reading.region, now=wall_ms()), told


def _read(numbers: Sequence[str], region: str | None) -> list[str]:
    """*numbers*, each in every way in which a list may have it."""
    return [form for one in read(numbers, region) for form in spellings(one)]


def listed(one: Suppression) -> Listed:
    """A suppression as people read it."""
    lifted = None if one.lifted_at is None else _moment(one.lifted_at)
    return Listed(
        f"+{one.number}",
        one.sender,
        one.reason,
        one.source,
        _moment(one.since),
        lifted,
        one.lifted_by,
    )


def _moment(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
