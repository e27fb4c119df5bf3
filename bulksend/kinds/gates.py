"""E4xx: gates: what stops a run before it does harm."""

from __future__ import annotations

from bulksend.kinds.kind import Kind

ROWS = (
    Kind(
        "E400",
        "the plan is over the budget",
        "Raise send.budget, or shorten the list or the text.",
    ),
    Kind(
        "E401",
        "the budget cannot be checked",
        "Complete send.prices, or remove send.budget.money.",
    ),
    Kind(
        "E402",
        "the list has duplicates, and recipients.duplicates is refuse",
        "Remove them, or choose first, last or keep.",
    ),
    Kind(
        "E403",
        "nobody gets a message",
        "See the reasons in `bulksend check`; each names the way out.",
    ),
    Kind(
        "E410",
        "nobody confirmed",
        "Look at the counts with `bulksend check`, then add --yes.",
    ),
    Kind(
        "E411",
        "a slot that cannot be part of a name",
        "Use 1 to 64 letters, digits and . _ : + - such as 2026-11-30.",
    ),
    Kind(
        "E412",
        "there is no run to choose rows from",
        "`bulksend status` shows the runs of this journal, and `bulksend send PLAN --only "
        "failed` goes on with one of them.",
    ),
    Kind(
        "E413",
        "there is no message to test with",
        "Choose a row that gets one: `bulksend preview CAMPAIGN`.",
    ),
    Kind(
        "E414",
        "not numbers to test with",
        "Write each with a + and its country code.",
    ),
    Kind(
        "E415",
        "a plan of a recurring campaign that is for none of its slots",
        "Plan it again: `bulksend plan CAMPAIGN` takes the slot that is due.",
    ),
    Kind(
        "E416",
        "the plan is of another slot",
        "Name the plan's own, or plan the campaign for the other one.",
    ),
    Kind(
        "E417",
        "a slot is not due yet",
        "Send it then; --slot NAME sends it all the same.",
    ),
    Kind(
        "E420",
        "there is no hour at which anybody could be texted",
        "Widen send.window, or look at `bulksend rules list`.",
    ),
    Kind(
        "E421",
        "no window opens any more",
        "See `bulksend rules list` with your own rules (--pack): has one shut for good?",
    ),
    Kind(
        "E422",
        "a slot was missed",
        "It is not sent late; --slot NAME sends it all the same.",
    ),
    Kind(
        "E423",
        "what starts it would not read this as bulksend does",
        "Write an expression without L, W and #; for Airflow without a step such as */2 "
        "beside a weekday: list the days, or the weekdays, alone.",
    ),
    Kind(
        "E424",
        "too many messages were not delivered",
        "See why in `bulksend report`; take those numbers off the list. "
        "`send.stop_at.failed` says how many are too many.",
    ),
    Kind(
        "E425",
        "carriers do not know the sender (4476)",
        "Register brand and campaign for it (10DLC), then run it again.",
    ),
    Kind(
        "E426",
        "the receipts of the first few did not come",
        "Start `bulksend listen`, or run `bulksend poll`; run it again, and it waits "
        "once more. `bulksend resume RUN` goes on without them.",
    ),
    Kind(
        "E427",
        "the first few of this run spoke against the rest",
        "See why in `bulksend report`; `bulksend resume RUN` goes on nevertheless, "
        "`bulksend abort RUN` ends it.",
    ),
    Kind(
        "E428",
        "more of the first few opt out than Bandwidth lets pass",
        "See who is on the list and what they agreed to: over 0.5 % in a day Bandwidth "
        "asks for proof of consent. `bulksend resume RUN` goes on nevertheless; "
        "`send.canary.opt_outs` is the bound.",
    ),
    Kind(
        "E429",
        "the campaign ends before people may be texted",
        "Move that end, or start earlier.",
    ),
    Kind(
        "E430",
        "nobody may be texted at this hour",
        "Run it again then: it resumes.",
    ),
    Kind(
        "E431",
        "the first few may all be of one country",
        "Make one campaign of each country: carriers, filters and registrations differ, "
        "and who is texted first says nothing of the others.",
    ),
)
