"""Which replies end messages, which allow them again, and which say neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.settle.opt_outs import STARTS, STOPS, Wish, wish_of
from tests.settle.callbacks import OURS, TOLL_FREE

# a reply, what it asks for at a long code, and at a toll-free number
REPLIES = (
    *((word, Wish.STOP, Wish.STOP) for word in sorted(STOPS)),
    ("stop", Wish.STOP, Wish.STOP),
    (" Stop. ", Wish.STOP, Wish.STOP),
    ("STOP!!!", Wish.STOP, Wish.STOP),
    ('"stop"', Wish.STOP, Wish.STOP),
    ("stop all", Wish.STOP, Wish.STOP),
    ("Stop-All", Wish.STOP, Wish.STOP),
    ("opt out", Wish.STOP, Wish.STOP),
    ("Opt-Out\n", Wish.STOP, Wish.STOP),
    ("ＳＴＯＰ", Wish.STOP, Wish.STOP),
    ("stop 🙏", Wish.STOP, Wish.STOP),
    ("Stop please", Wish.STOP, Wish.STOP),
    ("PLEASE STOP TEXTING ME!", Wish.STOP, Wish.STOP),
    ("unsubscribe me, thanks", Wish.STOP, Wish.STOP),
    ("Stop sending these messages now", Wish.STOP, Wish.STOP),
    ("please opt me out", Wish.STOP, Wish.STOP),
    ("STOP STOP STOP!!!", Wish.STOP, Wish.STOP),
    ("Stop it", Wish.STOP, Wish.STOP),
    ("stop. please stop texting me", Wish.STOP, Wish.STOP),
    ("Arrêt", Wish.STOP, Wish.STOP),
    ("alto", Wish.STOP, Wish.STOP),
    ("thank you", None, None),
    ("please start", None, None),
    ("start", Wish.START, Wish.START),
    ("Yes", Wish.START, None),
    ("unstop", Wish.START, Wish.START),
    ("Unstop!", Wish.START, None),
    ("help", None, None),
    ("INFO", None, None),
    ("stopped", None, None),
    ("Do not stop", None, None),
    ("You will not stop me", None, None),
    ("Can you stop by at five?", None, None),
    ("yes please", None, None),
    ("start start", None, None),
    ("", None, None),
    ("...", None, None),
    ("stop" + " " * 100, Wish.STOP, Wish.STOP),
    ("Stop\n\nSent from a telephone of a maker with a long name", Wish.STOP, Wish.STOP),
    ("opt\nout", Wish.STOP, Wish.STOP),
    ("start\n\nSent from a telephone of a maker with a long name", None, None),
    ("Hello,\nstop", None, None),
    ("stop" + " " * 40 + "by at five, will you?", None, None),
)


@pytest.mark.parametrize(("text", "wish", "toll_free"), REPLIES)
def test_a_reply_counts_when_it_is_the_word(
    text: str, wish: Wish | None, toll_free: Wish | None
) -> None:
    """In any case and punctuation; at a toll-free number as the network reads it."""
    assert wish_of(text, ours=OURS) is wish
    assert wish_of(text, ours=TOLL_FREE) is toll_free


@given(st.text(max_size=60))
def test_no_text_asks_for_both(text: str) -> None:
    """And only the words ask for anything."""
    wish = wish_of(text, ours=OURS)
    letters = "".join(one for one in text.upper() if one.isascii() and one.isalpha())
    if text.isascii() and wish is Wish.STOP:
        assert any(word in letters for word in STOPS), letters
    if text.isascii() and wish is Wish.START:
        assert letters in STARTS
