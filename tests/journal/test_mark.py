"""The mark beside the journal: it notices a loss, and never cries wolf."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.errors import GateRefused
from bulksend.journal.mark import COMPARED, WHOLE, Mark, read_marks, refuse_lost
from bulksend.journal.records import Claim

if TYPE_CHECKING:
    from pathlib import Path


def noted(folder: Path, **claims: Claim | None) -> dict[str, Claim | None]:
    """What stands in *folder* after each run has noted these claims in turn."""
    for run, claim in claims.items():
        mark = Mark(folder / run)
        mark.begin()
        if claim is not None:
            mark.note(claim)
        mark.close()
    return read_marks(folder)


@pytest.mark.parametrize("known", [Claim(5, 7, 200), Claim(5, 7, 201), Claim(5, 8, 3)])
def test_a_journal_that_knows_all_of_it_goes_on(tmp_path: Path, known: Claim) -> None:
    """Of the claim that was noted last, or of a later one: a note may be behind."""
    noted(tmp_path, a=Claim(4, 7, 100))
    marks = noted(tmp_path, a=Claim(5, 7, 200), b=None)
    assert marks == {"a": Claim(5, 7, 200), "b": None}

    refuse_lost(tmp_path, marks, {"a": known, "b": None})


@pytest.mark.parametrize("known", [None, Claim(5, 7, 199), Claim(5, 6, 300)])
def test_a_journal_that_knows_less_of_any_run_is_refused(
    tmp_path: Path, known: Claim | None
) -> None:
    """E604 says which message of which run it lacks, and which file stands for it."""
    marks = noted(tmp_path, a=Claim(5, 7, 200), b=Claim(2, 8, 900))

    with pytest.raises(GateRefused) as refused:
        refuse_lost(tmp_path, marks, {"a": known, "b": Claim(2, 8, 900)})

    (problem,) = refused.value.problems
    assert problem.code == "E604"
    assert "row 5 of a was handed over" in problem.found
    assert problem.fix.endswith(f"removes {tmp_path / 'a'}.")


def test_a_journal_without_another_run_of_the_campaign_is_refused(
    tmp_path: Path,
) -> None:
    """It is another journal, or a new one, whatever else it knows."""
    marks = noted(tmp_path, a=Claim(2, 1, 1), b=None)

    with pytest.raises(GateRefused, match=r"E604 .*it does not know of run b"):
        refuse_lost(tmp_path, marks, {"a": Claim(2, 1, 1)})


def test_where_there_is_no_journal_that_is_said(tmp_path: Path) -> None:
    """It was named by mistake more likely than lost: with its name, and how to name another."""
    marks = noted(tmp_path, a=Claim(2, 1, 1), b=None)

    with pytest.raises(GateRefused) as refused:
        refuse_lost(tmp_path, marks, None, journal="new.sqlite")

    (problem,) = refused.value.problems
    found = "there is no journal here, and one knew of run a"
    assert (problem.file, problem.found) == ("new.sqlite", found)
    assert "or name it with --journal" in problem.fix


def test_what_is_lost_of_several_runs_is_said_at_once(tmp_path: Path) -> None:
    """One refusal, with how many more, and the folder: nobody removes files one by one."""
    marks = noted(tmp_path, a=Claim(2, 1, 1), b=Claim(9, 2, 5), c=None)

    with pytest.raises(GateRefused) as refused:
        refuse_lost(tmp_path, marks, {"a": None})

    (problem,) = refused.value.problems
    assert "row 2 of a was handed over" in problem.found
    assert problem.found.endswith("nor all of 2 other runs")
    assert problem.fix.endswith(f"removes {tmp_path}.")


def test_the_newest_are_compared_and_every_name_is(tmp_path: Path) -> None:
    """Years of a daily campaign cost no look-up each; a journal loses its end first."""
    claims = {f"r{n:04}": Claim(2, n, n) for n in range(1, COMPARED + 21)}

    marks = noted(tmp_path, **claims)

    assert set(marks) == set(claims)
    old = {run: None for run, claim in claims.items() if claim.epoch <= 20}
    assert marks == claims | old


@given(junk=st.binary(max_size=70).filter(lambda junk: not WHOLE.fullmatch(junk)))
def test_a_torn_note_is_no_note(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    """After a power cut anything may stand there; nobody is locked out by it."""
    folder = tmp_path_factory.mktemp("claims")
    (folder / "a").write_bytes(junk)
    refuse_lost(folder, read_marks(folder), {"a": None})

    marks = noted(folder, a=Claim(8, 1, 1))

    with pytest.raises(GateRefused, match="row 8 of a was"):
        refuse_lost(folder, marks, {"a": None})


def test_a_home_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """The journal is the memory; the mark is a guard more."""
    (tmp_path / "file").touch()

    assert noted(tmp_path / "file" / "c", a=Claim(5, 1, 1)) == {}
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_what_a_file_manager_leaves_is_no_mark(tmp_path: Path) -> None:
    """No run's name begins with a dot."""
    (tmp_path / ".DS_Store").touch()
    assert read_marks(tmp_path) == {}
