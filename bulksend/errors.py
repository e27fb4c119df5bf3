"""Every problem bulksend can report, in one table.

The terminal text, the JSON and docs/errors.md all come from `KINDS`, so they cannot
disagree.  A `Problem` is a value: one thing that is wrong, where it is, what is there,
what is expected and what to do.  Code that finds problems collects them all and raises
one `BulksendError`, so that a person sees everything at once.

    BulksendError              stops the program; carries problems and an exit code
    ├── InputError      (2)    the input is wrong; nothing was sent
    ├── GateRefused     (3)    a gate said no: nothing was sent, or nothing more
    └── Stopped         (4)    stopped half-way; run again to resume

What happened to a single message is never an exception: see `send/verdict.py`.

Codes: E1xx campaign file · E2xx recipients · E3xx template and message · E4xx gates ·
E5xx provider and sign-in · E6xx journal, plan and output.  W: a warning, same numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

DONE, SOME_FAILED, BAD_INPUT, REFUSED_BY_GATE, RESUMABLE, SOME_UNKNOWN = range(6)
"""Exit codes, as docs/operations.md lists them."""


class Kind(NamedTuple):
    """One row of the table: what a code means, and the usual way out."""

    code: str
    title: str
    fix: str


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        # -- E1xx: the campaign file ------------------------------------------------
        Kind("E100", "the campaign file cannot be read", "Check the path."),
        Kind(
            "E101",
            "the campaign file is not YAML",
            "Correct the line; indent with spaces, and quote texts that hold : or #.",
        ),
        Kind(
            "E102", "unknown key", "Remove it, or use a key that `bulksend schema` has."
        ),
        Kind("E103", "a required key is missing", "Add it."),
        Kind("E104", "wrong value", "Change the value."),
        Kind(
            "E105",
            "an environment variable is not set",
            "Set it, or write the value into the file.",
        ),
        Kind("E106", "the same key twice", "Keep one of them."),
        Kind("E107", "keys that do not go together", "Remove one of them."),
        Kind("E108", "too long", "Shorten it."),
        Kind(
            "E110",
            "a file is there already, or cannot be written",
            "Choose another name, or move the file away.",
        ),
        Kind(
            "E120",
            "a window that closes before it opens",
            "Write the earlier time first; a window cannot go over midnight.",
        ),
        Kind(
            "E124",
            "no rules about hours, and no reason",
            "Say why these messages may be sent at any hour, or choose us-marketing.",
        ),
        Kind("E121", "a file of rules cannot be read", "Check the path and the file."),
        Kind(
            "E122",
            "a file of rules is wrong",
            "Correct it; nothing is sent by rules that cannot be trusted.",
        ),
        Kind("E123", "there is no such rule", "See `bulksend rules list`."),
        # -- E2xx: the recipients ---------------------------------------------------
        Kind(
            "E251",
            "a list without numbers",
            "Export it anew, with the people's numbers in it.",
        ),
        Kind(
            "E252",
            "a list has rows without a number",
            "Look at them: a number that cannot be read cannot be kept out.",
        ),
        Kind(
            "E200",
            "a recipient file cannot be opened",
            "Check the path; it counts from the campaign file's folder.",
        ),
        Kind(
            "E201",
            "no file matches",
            "Check the pattern; it counts from the campaign file's folder.",
        ),
        Kind(
            "E202",
            "not read in this version",
            "Turn it into a CSV, Parquet, NDJSON or .xlsx file on this machine.",
        ),
        Kind(
            "E203",
            "a file is not what its name says",
            "Rename the file, or export it anew.",
        ),
        Kind(
            "E204",
            "nothing is in the file",
            "Export the list anew; the first row must hold the column names.",
        ),
        Kind(
            "E205",
            "the encoding",
            "Save the file as UTF-8, or set `recipients.encoding`.",
        ),
        Kind("E206", "a NUL byte", "Export the list anew, or delete these characters."),
        Kind("E207", "the delimiter", "Set `recipients.delimiter` if this is wrong."),
        Kind(
            "E208",
            "quotes in the wrong place",
            "Put the whole cell in quotes, and write each quote inside it twice.",
        ),
        Kind(
            "E209",
            "a record has too few or too many cells",
            "Put cells that hold the delimiter in quotes; or export the list anew.",
        ),
        Kind("E210", "column names", "Give every column a name of its own."),
        Kind(
            "E211",
            "the first row holds no column names",
            "Put a row with the column names above the data.",
        ),
        Kind(
            "E212", "a line is not a JSON object", "Write one JSON object on each line."
        ),
        Kind("E213", "a file is damaged", "Export or copy the file anew."),
        Kind("E214", "the sheet of a workbook", "Set `recipients.sheet`."),
        Kind(
            "E215",
            "files do not belong together",
            "Give all files the same columns, or name the files that belong together.",
        ),
        Kind("E216", "no such column", "Use the column's name as it is in the file."),
        Kind(
            "E217",
            "two columns may be meant",
            "Write the column's name exactly as it is in the file.",
        ),
        Kind("E218", "old line ends", "Nothing needs to be done."),
        Kind("E219", "a byte order mark", "Nothing needs to be done."),
        Kind(
            "E220",
            "empty rows",
            "Nothing needs to be done; the row numbers count them.",
        ),
        Kind(
            "E221",
            "a column has a name of bulksend's own",
            "Use the new name in the template, or rename the column.",
        ),
        Kind(
            "E222",
            "the lists could not be read as they were checked",
            "Run it again when nothing writes to them; if this stays, export them anew.",
        ),
        Kind(
            "E223",
            "cells that hold an error of the spreadsheet",
            "Correct the formula, or write the value itself; as a number or where the "
            "message needs it, the row gets nothing.",
        ),
        Kind(
            "E224",
            "numbers in a column that cannot hold their digits",
            "Export the column anew, as text or Int64: its last digits are lost.",
        ),
        Kind(
            "E225",
            "a column holds different kinds: plain values, lists or objects",
            "Write one kind in every line, or leave the column out.",
        ),
        Kind(
            "E226",
            "rows are ranked by text",
            "Write dates as 2026-01-31 and numbers without separators, such as 1200: as "
            "text, 9/30/2025 comes after 10/1/2025.",
        ),
        Kind(
            "E227",
            "merged cells",
            "Take the merge apart, and fill in each cell: to a list the others are empty.",
        ),
        # -- E3xx: the template and the message -------------------------------------
        Kind("E330", "the template file cannot be read", "Check message.file."),
        Kind(
            "E331",
            "the tag may tell who a person is",
            "Use an id: Bandwidth asks for tags without personal data.",
        ),
        Kind(
            "E300",
            "the template cannot be read",
            "Correct the spot; docs/message-language.md has an example of everything.",
        ),
        Kind(
            "E301",
            "not part of the message language",
            "Say it with {{ }}, filters, if/elif/else and set.",
        ),
        Kind("E302", "unknown column", "Use a column that the recipients file has."),
        Kind(
            "E303",
            "a name fits several columns",
            "Rename one of the columns.",
        ),
        Kind("E304", "unknown filter", "Use a filter of docs/message-language.md."),
        Kind("E305", "unknown test", "Use a test of docs/message-language.md."),
        Kind("E306", "wrong arguments", "Call it as docs/message-language.md shows."),
        Kind(
            "E307", "a method call", "Use the filter of that name: {{ name | upper }}."
        ),
        Kind("E308", "types that do not go together", "Convert one with int or float."),
        Kind(
            "E309",
            "a column whose type has no text",
            "Make a column of text, numbers or dates of it in the recipients file.",
        ),
        Kind("E310", "none has no text", "Write '' for nothing."),
        Kind("E311", "cannot be worked out", "Change the values."),
        Kind("E312", "an if without its else", "Say what else: else ''."),
        Kind("E313", "unknown field", "Use a field that the column has."),
        Kind(
            "E314", "a comparison that always has the same answer", "Convert one side."
        ),
        Kind("E315", "a number that is too long", "Write at most 38 digits."),
        Kind(
            "E316", "too much in one template", "Set fewer variables from each other."
        ),
        Kind("E350", "a text without a sender's name", "Say who you are."),
        Kind(
            "E351",
            "a text without opt-out words",
            "Say how to end it, such as: Reply STOP to end.",
        ),
        Kind(
            "E352",
            "a link of a shared shortener",
            "Use a link of your own domain: carriers filter shared ones.",
        ),
        Kind(
            "E353",
            "a link to another domain",
            "Use your own, or add it to lint.domains.",
        ),
        Kind(
            "E354",
            "a word that carriers filter or forbid",
            "Say it otherwise, or register the use; a word alone proves nothing.",
        ),
        Kind(
            "E355",
            "an address of a picture that may tell who a person is",
            "Use an id: addresses are written into logs everywhere.",
        ),
        Kind("E356", "a text in capitals", "Write it as people write."),
        Kind(
            "E357",
            "a placeholder of another tool",
            "Write {{ column }} where a person's value shall stand.",
        ),
        Kind("E358", "there is no such finding", "Use a code of docs/errors.md."),
        Kind("E340", "not a rate card", "Correct the key, or remove it."),
        Kind(
            "E341",
            "a price for nothing known",
            "Write REGION, REGION.line_type or REGION.mms.",
        ),
        Kind("E342", "not a price", "Write a number such as 0.0075."),
        Kind("E343", "not a currency", "Write its three capitals."),
        # -- E4xx: gates ------------------------------------------------------------
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
            "E430",
            "nobody may be texted at this hour",
            "Run it again then: it resumes.",
        ),
        Kind(
            "E126",
            "an experiment that cannot be",
            "Give each arm a share, together 100; `arm` is its name in the template.",
        ),
        Kind("E125", "no schedule", "Add `schedule` to the campaign."),
        Kind(
            "E422",
            "a slot was missed",
            "It is not sent late; --slot NAME sends it all the same.",
        ),
        Kind(
            "E423",
            "systemd cannot say this",
            "Use --cron, or an expression without L, W and #.",
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
            "E420",
            "there is no hour at which anybody could be texted",
            "Widen send.window, or look at `bulksend rules list`.",
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
            "Leave out --only; it sends again what a run has left or failed to send.",
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
        # -- E5xx: the provider and the sign-in -------------------------------------
        Kind(
            "E500",
            "no credentials",
            "Set them in the environment; `provider: simulator` needs none.",
        ),
        Kind(
            "E501",
            "Bandwidth refused the credentials",
            "Check BW_CLIENT_ID and BW_CLIENT_SECRET; nothing was sent with them.",
        ),
        Kind(
            "E502",
            "the sign-in could not be reached",
            "Check the network and BW_TOKEN_URL, then run it again.",
        ),
        Kind(
            "E503",
            "Bandwidth refused this account or user",
            "Check the credentials, BW_ACCOUNT_ID and the user's messaging role, "
            "then run it again: it resumes.",
        ),
        Kind(
            "E511",
            "Bandwidth did not take some messages",
            "They were not sent: run it again later, and it tries them again.",
        ),
        Kind(
            "E512",
            "too many outcomes are unknown",
            "See what stands between this machine and Bandwidth, then run it again: "
            "it resumes, and what is unknown is not sent again.",
        ),
        Kind(
            "E513",
            "too many messages are refused",
            "See `error` in the results for Bandwidth's own words, and mend the list or "
            "the campaign; run it again and it resumes with the rest. To go on as it "
            "is, raise `send.stop_at`.",
        ),
        Kind(
            "E514",
            "filters stop this text as spam",
            "Change the text, and ask Bandwidth what the filter saw, before you send "
            "the rest.",
        ),
        Kind(
            "E515",
            "it is too late to begin",
            "Move `send.not_after` if it may still be sent.",
        ),
        Kind(
            "E516",
            "it is too late to go on",
            "What was not begun is not sent. Move `send.not_after` if it still may be, "
            "then run it again: it resumes.",
        ),
        Kind(
            "E510",
            "Bandwidth cannot be reached",
            "Nothing was lost: run it again later, and it resumes.",
        ),
        Kind(
            "E540",
            "nobody could tell Bandwidth from a stranger",
            "Set BW_CALLBACK_USERNAME and BW_CALLBACK_PASSWORD to what the application "
            "has; --no-auth needs --host 127.0.0.1.",
        ),
        Kind("E541", "the listener cannot listen", "Choose another port or host."),
        Kind(
            "E542",
            "more callbacks wait than can be stored",
            "Nothing is lost: Bandwidth brings them again for 24 hours.",
        ),
        Kind(
            "E543",
            "the certificate cannot be used",
            "Name PEM files that belong together with --tls-cert and --tls-key.",
        ),
        Kind(
            "E544",
            "the password could be read on its way",
            "Put a proxy with TLS in front, or name --tls-cert and --tls-key.",
        ),
        Kind(
            "E545",
            "Bandwidth refused the message search",
            "Check BW_ACCOUNT_ID and the user's messaging role, then run it again.",
        ),
        Kind(
            "E546",
            "the message search does not answer",
            "What was found is kept: run it again later.",
        ),
        Kind(
            "E547",
            "too many people opt out",
            "See who is on the list and what they agreed to: Bandwidth may suspend a "
            "campaign over 4 %. To go on as it is, raise `send.stop_at.opt_outs`.",
        ),
        Kind("E580", "the simulator cannot play this scenario", "Change the option."),
        Kind(
            "E581",
            "the simulator cannot listen",
            "Choose another port; 0 takes any free one.",
        ),
        Kind(
            "E582",
            "the simulator cannot write its log",
            "Choose a path in an existing folder that you may write to.",
        ),
        # -- E56x: several workers ----------------------------------------------------
        Kind(
            "E560",
            "PostgreSQL's client library is missing",
            "Install it: pip install 'bulksend[postgres]'.",
        ),
        Kind(
            "E561",
            "the journal's database refuses",
            "Check user, password, host and database in --journal or BULKSEND_JOURNAL.",
        ),
        Kind(
            "E562",
            "a clock is wrong",
            "Set both by NTP: leases and hours for texting stand on them.",
        ),
        Kind(
            "E563",
            "the journal's database cannot be reached",
            "Nothing was lost: run it again when the database is there, and it resumes.",
        ),
        Kind(
            "E564",
            "SQLite on a network file system",
            "Set --journal or BULKSEND_JOURNAL: over a network its locks prove nothing, "
            "and people could be texted twice.",
        ),
        Kind(
            "E565",
            "no such shard",
            "Make a plan with `plan --shards N`; its shards are 0 to N-1.",
        ),
        # -- E59x: a cluster's workers ----------------------------------------------------
        Kind(
            "E590",
            "Dask is missing",
            "Install it here and on every worker: pip install 'bulksend[dask]'.",
        ),
        Kind(
            "E591",
            "the cluster's scheduler cannot be reached",
            "Check host and port of --workers; or send here: --workers local:4.",
        ),
        Kind(
            "E592",
            "a worker is not like this program",
            "Give all workers the same bulksend, the campaign's folder and BULKSEND_HOME at "
            "the same path, and the same BULKSEND_JOURNAL; nothing was sent.",
        ),
        Kind(
            "E593",
            "workers on other machines need a journal in PostgreSQL",
            "Set BULKSEND_JOURNAL=postgresql://… here and on every worker.",
        ),
        Kind(
            "E594", "no such workers", "Name a Dask scheduler, or how many processes."
        ),
        Kind(
            "E595",
            "a worker did not end its part",
            "Run it again: it resumes, and sends nobody twice.",
        ),
        Kind(
            "E596",
            "a connection of Airflow's cannot be used",
            "Make it under Admin, Connections, with the type that is expected, or "
            "correct its id in the DAG.",
        ),
        # -- E6xx: journal, plan and output -----------------------------------------
        Kind(
            "E600",
            "an older bulksend sends by this journal",
            "Wait until its runs end, or `bulksend pause` them; then run it again: the "
            "journal is upgraded, and they go on with the new one.",
        ),
        Kind("E601", "the journal cannot be used", "See what the disk says."),
        Kind(
            "E602",
            "the journal is of another version",
            "A newer bulksend has upgraded it: install that one here, or restore the backup "
            "from before.",
        ),
        Kind(
            "E604",
            "the journal has lost what it knew",
            "Put the newest journal back, with its -wal file.",
        ),
        Kind(
            "E607",
            "SQLite is too old here",
            "Use a Python that has a newer one, as those of python.org do; or a journal "
            "at postgresql://.",
        ),
        Kind(
            "E605",
            "this journal is not a file",
            "Back up a PostgreSQL journal with pg_dump.",
        ),
        Kind(
            "E606",
            "there can be no backup",
            "Name a folder of its own that can be written.",
        ),
        Kind(
            "E632",
            "there is nothing to rehearse",
            "See with `bulksend check` why nobody gets a message.",
        ),
        Kind(
            "E633",
            "the rehearsed sender failed",
            "Read what it says; it would fail a real run in the same way.",
        ),
        Kind(
            "E620",
            "this is not a plan",
            "Make one with `bulksend plan CAMPAIGN`.",
        ),
        Kind(
            "E621",
            "the plan cannot be written",
            "Free some space, or set BULKSEND_HOME to a folder that can be written.",
        ),
        Kind(
            "E622",
            "an unfinished run has other input",
            "Restore the file to resume it, finish the old plan with `bulksend send`, "
            "or add --replan and --results PATH: nobody who has this text gets it again.",
        ),
        Kind(
            "E623",
            "the plan file was changed after its run began",
            "Restore it, or plan anew: the journal's rows belong to the old one.",
        ),
        Kind(
            "E624",
            "the results file is not this run's",
            "Move it away, write elsewhere with --results PATH, or put {run} into the "
            "campaign's results, as in results/sale-{run}.csv.",
        ),
        Kind(
            "E625",
            "the results cannot be written",
            "Make the folder writable, or write elsewhere with --results PATH.",
        ),
        Kind(
            "E626",
            "the plan's input changed",
            "Plan it anew with `bulksend plan`, or add --as-planned to send it as it is.",
        ),
        Kind(
            "E627",
            "the plan file was changed after it was made",
            "Remove it and plan again: what shall differ goes into the list or the "
            "campaign.",
        ),
        Kind(
            "E628",
            "the results were not written",
            "`bulksend results RUN` writes them, and so does running it again.",
        ),
        Kind(
            "E670",
            "a file that is no report stands there",
            "Move it away, or write elsewhere with --output PATH.",
        ),
        Kind(
            "E671",
            "the report cannot be written",
            "Make the folder writable, or write elsewhere with --output PATH.",
        ),
        Kind(
            "E651",
            "not a number that can be texted",
            "Write it with a + and its country code, or add --region; nothing was done.",
        ),
        Kind(
            "E652",
            "the suppression list cannot be written",
            "Name a file that is not there yet, in a folder that you may write to.",
        ),
        Kind(
            "E672",
            "the metrics cannot be written",
            "Make the folder writable, or write elsewhere with --textfile PATH.",
        ),
        Kind(
            "E673",
            "the live page cannot be served",
            "Choose another --port; 0 takes any free one.",
        ),
        Kind(
            "E653",
            "this row is not unknown",
            "Look at its status in the results; only an unknown can be decided.",
        ),
        Kind(
            "E654",
            "a decision without a reason",
            'Say how you know: --because "the person has it".',
        ),
        Kind(
            "E674",
            "no message is known by this tag or id",
            "Ask by the number, or where the plan is (--folder, BULKSEND_HOME).",
        ),
        Kind(
            "E675",
            "the numbers and texts of this run were removed",
            "Its counts are in `bulksend status`; it is over, and sends nothing more.",
        ),
        Kind(
            "E676",
            "a file cannot be removed",
            "Make its folder writable, then purge again: it goes on.",
        ),
        Kind(
            "E677",
            "not an age",
            "Write a number and a unit, such as 90d or 12h.",
        ),
        Kind(
            "E680",
            "the notice of a run's end did not get through",
            "Check notify.webhook; the run itself is not affected.",
        ),
        Kind(
            "E681",
            "the command that tells of a run's end failed",
            "Check notify.command; the run itself is not affected.",
        ),
        Kind(
            "E690",
            "a journal on one worker's disk",
            "Name a Postgres connection by journal_conn_id, or set BULKSEND_JOURNAL; "
            "allow_local_journal=True where there is one machine only.",
        ),
        Kind(
            "E691",
            "object storage needs a library that is not installed",
            "Install it: `pip install 'bulksend[cloud]'`.",
        ),
        Kind(
            "E692",
            "an address in object storage that is not understood",
            "Write s3://BUCKET/KEY, gs://BUCKET/KEY or az://CONTAINER/KEY; credentials "
            "belong into the environment.",
        ),
        Kind(
            "E693",
            "there is no such bucket",
            "Check its name, the account and the region (AWS_REGION).",
        ),
        Kind(
            "E694",
            "object storage refuses",
            "Check the credentials in the environment, and what they may do: "
            "docs/storage.md lists what bulksend needs.",
        ),
        Kind(
            "E695",
            "the credentials for object storage have expired",
            "Sign in anew, and run it again. A clock that is wrong looks the same.",
        ),
        Kind(
            "E696",
            "there is no such object",
            "Check its key: capitals count, and so does every slash.",
        ),
        Kind(
            "E697",
            "an object was replaced meanwhile",
            "Wait until whoever writes it has finished, then run it again.",
        ),
        Kind(
            "E698",
            "object storage does not answer",
            "Check the network and AWS_ENDPOINT_URL, then run it again: it goes on where "
            "it was.",
        ),
        Kind(
            "E699",
            "too large for one object, of at most 5 GiB",
            "Let `results` end in a slash: a folder takes one object for each shard.",
        ),
        Kind("E640", "there is no such row", "Look at the list again."),
        Kind("E630", "there is no such run", "See `bulksend status`."),
        Kind(
            "E631",
            "the run was stopped",
            "Run it again: it resumes, and sends nobody twice.",
        ),
        Kind(
            "E611",
            "this sender's lease ended",
            "Run it again: it resumes. Rows without an answer are unknown.",
        ),
        Kind(
            "E610",
            "another sender is at work on this campaign",
            "Wait for it (--wait does), or stop it first (SIGTERM drains it): one "
            "sender at a time.",
        ),
        Kind(
            "E612",
            "the run is paused",
            "Let it go on with `bulksend resume RUN`, then run it again.",
        ),
        Kind(
            "E613",
            "the run was aborted",
            "What was not sent stays so. To send it after all: `bulksend resume RUN`, "
            "then run it again.",
        ),
        Kind(
            "E614",
            "the process that started this one has ended",
            "Run it again: it resumes, and sends nobody twice.",
        ),
        Kind("E615", "the run is over", "Nothing needs to be done."),
    )
}


def counted(count: int, one: str, many: str = "") -> str:
    """``1 row``, ``1,204 rows``, ``1 person``, ``2 people``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        code: A key of `KINDS`; ``W...`` shares its number's row and is a warning.

        found: What is there, as a clause without a full stop: ``"5551234" has 7 digits``.

        expected: What is expected instead, as a clause; empty where *found* says it.

        fix: What to do; the kind's usual way out when empty.

        file: The file as the user wrote it.

        line: 1-based line of a text file (campaign, template).

        row: Spreadsheet row; the header is row 1.

        column: Column name, or the key's path in a campaign file.

        more: How many further places have the same problem.
    """

    code: str
    found: str
    expected: str = ""
    fix: str = ""
    file: str = ""
    line: int | None = None
    row: int | None = None
    column: str = ""
    more: int = 0

    @property
    def kind(self) -> Kind:
        return KINDS["E" + self.code[1:]]

    @property
    def is_warning(self) -> bool:
        return self.code.startswith("W")

    @property
    def where(self) -> str:
        """``campaign.yaml:9: message.text`` or ``list.csv row 7, column "phone"``."""
        place = self.file
        if self.line is not None:
            place += f":{self.line}"
        if self.row is not None:
            place += f" row {self.row}"
        if not self.column:
            return place
        if self.row is not None or not place:
            return f'{place}, column "{self.column}"'.lstrip(", ")
        return f"{place}: {self.column}"

    def __str__(self) -> str:
        parts = [f"{self.code} "]
        if self.where:
            parts.append(f"{self.where}: ")
        parts.append(self.found)
        if self.expected:
            parts.append(f"; expected {self.expected}")
        parts.append(f". {self.fix or self.kind.fix}")
        if self.more:
            parts.append(f" {self.more:,} more like this.")
        return "".join(parts)

    def as_dict(self) -> dict[str, object]:
        """The same for machines; keys with nothing to say are left out."""
        shown = asdict(replace(self, fix=self.fix or self.kind.fix))
        shown = {
            key: value for key, value in shown.items() if value not in ("", None, 0)
        }
        return shown | {"title": self.kind.title}


class BulksendError(Exception):
    """Stops the program.  ``problems`` says why; ``exit_code`` is the process's."""

    exit_code: ClassVar[int] = BAD_INPUT

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[Any, ...]:
        """From one process to another: made of its problems, not of its words."""
        return type(self), (self.problems,), vars(self)


class InputError(BulksendError):
    """The input is wrong; nothing was sent."""


class GateRefused(BulksendError):  # noqa: N818  (it says what happened)
    """A gate said no (budget, breaker, credentials, another sender)."""

    exit_code = REFUSED_BY_GATE


class Stopped(BulksendError):  # noqa: N818  (it says what happened)
    """Stopped half-way with every row in a true state; run again to resume.

    ``resumes_at`` is when there will be something to send again (milliseconds since
    1970), where that is known.
    """

    exit_code = RESUMABLE
    resumes_at: int | None = None
