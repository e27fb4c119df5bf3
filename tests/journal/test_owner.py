"""Who holds a run: dead is said only where it is certain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bulksend.journal.owner import Owner

if TYPE_CHECKING:
    from collections.abc import Iterator

WHO_AM_I = """
import sys
from bulksend.journal.owner import Owner
print(Owner.me(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """A living process that has said who it is."""
    process = subprocess.Popen(
        [sys.executable, "-c", WHO_AM_I],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _owner(process: subprocess.Popen[str]) -> Owner:
    assert process.stdout
    return Owner.parse(process.stdout.readline())


def test_an_owner_is_kept_as_text() -> None:
    """What is written into the journal is read back the same, always in one form."""
    me = Owner.me()

    assert Owner.parse(str(me)) == me
    assert str(Owner.me()) == str(me)
    assert me.pid == os.getpid()
    assert me.started > 0


def test_this_process_is_alive() -> None:
    """A sender never takes itself for dead."""
    assert not Owner.me().is_surely_dead()


@pytest.mark.crash
def test_another_process_is_dead_when_it_was_killed_and_not_before(
    other: subprocess.Popen[str],
) -> None:
    """Alive, stopped and going on: not dead.  Killed: dead, before it is reaped too."""
    owner = _owner(other)
    assert (owner.pid, owner.machine) == (other.pid, Owner.me().machine)
    assert not owner.is_surely_dead()

    other.send_signal(signal.SIGSTOP)
    assert not owner.is_surely_dead()

    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert owner.is_surely_dead(), "a zombie sends nothing"
    other.communicate()
    assert owner.is_surely_dead()


def test_a_process_id_that_was_given_anew_is_another_process(
    other: subprocess.Popen[str],
) -> None:
    """Same number, another start: the owner is over."""
    owner = _owner(other)

    assert replace(owner, started=owner.started - 1).is_surely_dead()


def test_where_the_start_is_not_known_a_living_number_counts_as_alive(
    other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not known when it was written, or not known now: nothing is certain."""
    owner = _owner(other)
    assert not replace(owner, started=0).is_surely_dead()

    monkeypatch.setattr("bulksend.journal.owner._started", lambda _: 0)
    assert not replace(owner, started=owner.started - 1).is_surely_dead()


def test_nothing_is_certain_about_another_machine() -> None:
    """Another host, another boot, another container: it counts as alive."""
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    owner = replace(Owner.me(), pid=gone.pid)

    assert owner.is_surely_dead()
    assert not replace(owner, machine="another").is_surely_dead()


def test_a_process_of_another_user_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not being allowed to ask is no answer."""

    def forbidden(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)

    assert not replace(Owner.me(), pid=1).is_surely_dead()


def test_a_commands_name_may_hold_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets and spaces in the process's name do not shift the fields."""
    libc = "import ctypes; ctypes.CDLL(None).prctl(15, b') S 1 (x) Z', 0, 0, 0)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", libc + WHO_AM_I],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        owner = _owner(process)
        assert owner.started >= Owner.me().started
        assert not owner.is_surely_dead()
    finally:
        process.kill()
        process.communicate()
