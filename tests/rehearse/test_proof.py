"""What a rehearsal proves, by rows: each kind of lie is found, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.rehearse.proof import Fate, Taken, prove

A = Taken("a", "id-a")
SENT = ("accepted", "delivered", "failed")
UNSENT = ("refused", "expired", "excluded", "not_sent")


@pytest.mark.parametrize("status", SENT)
def test_an_accepted_message_is_in_the_servers_log(status: str) -> None:
    """With its id, or with none where the 202 could not be read."""
    for known in ("id-a", None):
        proof = prove([Fate("a", status, known)], [A])
        assert proof.holds
        assert (proof.rows, proof.accepted, proof.unknown) == (1, 1, 0)


@pytest.mark.parametrize(
    ("fates", "taken", "lie"),
    [
        ([Fate("a", "accepted", "id-a")], [A, A._replace(message_id="2")], "doubled"),
        ([Fate("a", "unknown", None)], [A, A._replace(message_id="2")], "doubled"),
        ([Fate("a", "planned", None)], [], "lost"),
        ([Fate("a", "claimed", None)], [], "lost"),
        ([Fate("a", "accepted", "id-a")], [], "wrong"),
        ([Fate("a", "accepted", "other")], [A], "wrong"),
        *(([Fate("a", status, None)], [A], "wrong") for status in UNSENT),
        ([], [A], "wrong"),
    ],
)
def test_each_lie_is_found(fates: list[Fate], taken: list[Taken], lie: str) -> None:
    """One lie at a time, and it is called by its name."""
    proof = prove(fates, taken)

    assert not proof.holds
    found = {name: getattr(proof, name) for name in ("doubled", "lost", "wrong")}
    assert found == dict.fromkeys(found, 0) | {lie: 1}


@pytest.mark.parametrize("arrived", [True, False])
def test_unknown_is_no_lie_whatever_became_of_it(arrived: bool) -> None:
    """And it is said how many of them had arrived."""
    proof = prove([Fate("a", "unknown", None)], [A] if arrived else [])

    assert proof.holds
    assert (proof.unknown, proof.arrived) == (1, int(arrived))


@given(
    rows=st.lists(
        st.sampled_from(
            [("accepted", 1), ("unknown", 0), ("unknown", 1), ("refused", 0)]
        )
    )
)
def test_the_truth_always_holds_and_adds_up(rows: list[tuple[str, int]]) -> None:
    """Any mixture of true accounts: rows = accepted + refused + unknown."""
    fates = [Fate(str(n), status, None) for n, (status, _) in enumerate(rows)]
    taken = [Taken(str(n), "x") for n, (_, times) in enumerate(rows) if times]

    proof = prove(fates, taken)

    assert proof.holds
    assert proof.rows == proof.accepted + proof.refused + proof.unknown
    assert proof.as_dict()["holds"] is True
