"""The keys of `send` that halt a run before it burns the rest of the list."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Annotated

from pydantic import Field

from bulksend.define.kinds import Key, Portion, Share, Span
from bulksend.define.section import Section


class StopAt(Section):
    """What stops a run before it burns the rest of the list."""

    refused: Annotated[
        Share,
        Key(
            "The share of the latest 200 answers that may be refusals; of fewer than 50 "
            "answers, of 50.",
            "a share above 0% up to 100%, which never stops",
            "20%",
        ),
    ] = 0.2
    spam: Annotated[
        Annotated[int, Field(gt=0)],
        Key(
            "How many receipts may say that a filter stopped the text; each start of a run "
            "counts anew.",
            "a whole number above 0",
            20,
        ),
    ] = 20
    failed: Annotated[
        Share,
        Key(
            "The share of the people texted whose message may turn out not to be "
            "delivered; of fewer than 200 people, of 200.",
            "a share above 0% up to 100%, which never stops",
            "30%",
        ),
    ] = 0.3
    opt_outs: Annotated[
        Share,
        Key(
            "The share of the people texted who may opt out while it sends; of fewer "
            "than 200 people, of 200 (of the first few: of 50), and more than five where "
            "that is less. What goes over 0.5% is said, and goes on.",
            "a share above 0% up to 100%, which never stops",
            "4%",
        ),
    ] = 0.04


class Canary(Section):
    """The first few, whose receipts are waited for before the rest goes."""

    first: Annotated[
        Portion,
        Key(
            "How many messages are sent first, chosen by a hash of the number.",
            "a whole number above 0, or a share of the list such as 1%",
            "1%",
        ),
    ] = 0.01
    wait: Annotated[
        Span,
        Key(
            "How long their receipts, and opt-outs, are waited for.",
            "a time such as 15 min",
            "15 min",
        ),
    ] = timedelta(minutes=15)
    opt_outs: Annotated[
        Share,
        Key(
            "The share of these people who may opt out meanwhile: over 0.5% in a day "
            "Bandwidth asks for proof of consent. It takes more than five of them, or "
            "`stop_at.opt_outs`.",
            "a share above 0% up to 100%, which never halts",
            "0.5%",
        ),
    ] = 0.005

    def size(self, messages: int) -> int:
        """Of so many messages; 0 where there would be no others."""
        wanted = self.first
        if isinstance(wanted, float):
            wanted = ceil(messages * wanted)
        return wanted if wanted < messages else 0
