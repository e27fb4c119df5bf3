"""The mark beside the journal: it notices a loss, and never cries wolf."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.errors import GateRefused
from bulksend.journal.mark import WHOLE, Mark
from bulksend.journal.records import Claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNS = {"c-1", "c-2"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "claims" / "bandwidth+c" / "c-1"


@pytest.fixture
def mark(path: Path) -> Iterator[Mark]:
    mark = Mark(path)
    yield mark
    mark.close()


def test_a_journal_that_knows_all_of_it_goes_on(path: Path, mark: Mark) -> None:
    """Of the claim that was noted last, or of a later one: a note may be behind."""
    mark.begin(None, RUNS)
    mark.note(Claim(4, 7, 100))
    mark.note(Claim(5, 7, 200))
    mark.close()

    for known in (Claim(5, 7, 200), Claim(5, 7, 201), Claim(5, 8, 3)):
        again = Mark(path)
        assert again.noted() == Claim(5, 7, 200)
        again.begin(known, RUNS)
        again.close()


@pytest.mark.parametrize("known", [None, Claim(5, 7, 199), Claim(5, 6, 300)])
def test_a_journal_that_knows_less_is_refused(
    path: Path, mark: Mark, known: Claim | None
) -> None:
    """E604 says which message it lacks, and which file stands for it."""
    mark.begin(None, RUNS)
    mark.note(Claim(5, 7, 200))

    with pytest.raises(GateRefused) as refused:
        Mark(path).begin(known, RUNS)

    (problem,) = refused.value.problems
    assert problem.code == "E604"
    assert "row 5 was handed over" in problem.found
    assert str(path) in problem.fix


def test_a_journal_without_another_run_of_the_campaign_is_refused(
    path: Path, mark: Mark
) -> None:
    """It is another journal, or a new one; other campaigns' marks do not count."""
    mark.begin(None, RUNS)
    mark.note(Claim(2, 1, 1))
    Mark(path.with_name("c-2")).begin(None, RUNS)
    stranger = Mark(path.parent.with_name("bandwidth+other") / "o-1")
    stranger.begin(None, {"o-1"})
    stranger.close()

    with pytest.raises(GateRefused, match=r"E604 .*it does not know of run c-1"):
        Mark(path.with_name("c-3")).begin(None, {"c-2", "c-3"})


@given(junk=st.binary(max_size=70).filter(lambda junk: not WHOLE.fullmatch(junk)))
def test_a_torn_note_is_no_note(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    """After a power cut anything may stand there; nobody is locked out by it."""
    path = tmp_path_factory.mktemp("claims") / "c-1"
    path.write_bytes(junk)
    mark = Mark(path)

    mark.begin(None, RUNS)
    mark.note(Claim(8, 1, 1))
    mark.close()

    with pytest.raises(GateRefused, match="row 8 was"):
        Mark(path).begin(None, RUNS)


def test_a_home_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """The journal is the memory; the mark is a guard more."""
    (tmp_path / "file").touch()
    mark = Mark(tmp_path / "file" / "c" / "c-1")

    mark.begin(None, RUNS)
    mark.note(Claim(5, 1, 1))
    mark.close()
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
