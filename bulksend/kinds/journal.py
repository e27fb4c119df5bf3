"""E6xx: the journal, the plan, and what is written."""

from __future__ import annotations

from bulksend.kinds.kind import Kind

ROWS = (
    Kind(
        "E600",
        "an older bulksend sends by this journal",
        "Wait until its runs end, or `bulksend pause` them; then run it again: the "
        "journal is upgraded, and they go on with the new one.",
    ),
    Kind(
        "E601",
        "the journal cannot be used",
        "See what the disk says.",
    ),
    Kind(
        "E602",
        "the journal is of another version",
        "A newer bulksend has upgraded it: install that one here, or restore the "
        "backup from before.",
    ),
    Kind(
        "E603",
        "there is no journal",
        "Say where it is with --folder, --journal or BULKSEND_HOME; the first run, "
        "`bulksend listen` or `bulksend suppress add` makes it.",
    ),
    Kind(
        "E604",
        "the journal has lost what it knew",
        "Put the newest journal back, with its -wal file.",
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
        "E607",
        "SQLite is too old here",
        "Use a Python that has a newer one, as those of python.org do; or a journal "
        "at postgresql://.",
    ),
    Kind(
        "E608",
        "another file stands where the journal was",
        "Nothing more was written to the old one. Run it again, once the journal is in "
        "its place; docs/journal.md says how a backup is put back.",
    ),
    Kind(
        "E609",
        "a folder that was named is not there",
        "Correct its name, or make it first: in a folder that nobody meant, opt-outs are "
        "lost and nothing is known of what was sent.",
    ),
    Kind(
        "E610",
        "another sender is at work on this campaign",
        "Wait for it (--wait does), or stop it first (SIGTERM drains it): one sender "
        "at a time.",
    ),
    Kind(
        "E611",
        "this sender's lease ended",
        "Run it again: it resumes. Rows without an answer are unknown.",
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
    Kind(
        "E615",
        "the run is over",
        "Nothing needs to be done.",
    ),
    Kind(
        "E616",
        "the journal was changed under a program that has it open",
        "Nothing more was written. End what has it open; docs/journal.md says how a "
        "backup is put back.",
    ),
    Kind(
        "E620",
        "this is not a plan",
        "Make one with `bulksend plan CAMPAIGN`.",
    ),
    Kind(
        "E621",
        "the plan cannot be written",
        "Make the folder writable, or set BULKSEND_HOME to one that is.",
    ),
    Kind(
        "E622",
        "an unfinished run has other input",
        "Restore the file to resume it, or add --replan and --results PATH: nobody who "
        "has this text gets it again. `bulksend send` finishes the old plan as it was, "
        "without those who are on a suppression list by now.",
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
        "E630",
        "there is no such run",
        "See `bulksend status`.",
    ),
    Kind(
        "E631",
        "the run was stopped",
        "Run it again: it resumes, and sends nobody twice.",
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
        "E634",
        "what a command prints cannot be written",
        "Make room where its output goes, and run it again: nobody is texted twice.",
    ),
    Kind(
        "E640",
        "there is no such row",
        "Look at the list again.",
    ),
    Kind(
        "E651",
        "not a number that can be texted",
        "Write it with a + and its country code, or add --region; nothing was done.",
    ),
    Kind(
        "E652",
        "the suppression list cannot be written",
        "Name a .csv file that is not there yet, in a folder that you may write to.",
    ),
    Kind(
        "E653",
        "nothing that a person can decide about this row",
        "Decide what is unknown, or decide anew what was decided by hand, as long as "
        "nothing was sent since and no record or callback has spoken.",
    ),
    Kind(
        "E654",
        "a decision without a reason",
        'Say how you know: --because "the person has it".',
    ),
    Kind(
        "E655",
        "not a time to wait",
        "Write a number, such as 20.",
    ),
    Kind(
        "E656",
        "options that contradict each other",
        "Give one command at a time.",
    ),
    Kind(
        "E657",
        "not a sender",
        "Write it as the campaign's `from` has it: a number with + and its country code "
        "(or add --region), a short code or a name; nothing was done.",
    ),
    Kind(
        "E658",
        "an exported suppression list was changed",
        "Correct the row, or leave out all columns but `number`: then it is a list of "
        "numbers, which keeps nobody's own words; nothing was done.",
    ),
    Kind(
        "E659",
        "callbacks are not on the disk in time",
        "Nothing is lost: Bandwidth brings them again for 24 hours. See what keeps the "
        "journal: a lock, a server that hangs, a slow disk.",
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
        "E672",
        "the metrics cannot be written",
        "Make the folder writable, or write elsewhere with --textfile PATH.",
    ),
    Kind(
        "E673",
        "the live page cannot be served",
        "Choose another --port (0 takes any free one), or another --host.",
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
        "E682",
        "others may write where a notice is made",
        "Remove the folder, or set TMPDIR to one of your own.",
    ),
    Kind(
        "E689",
        "bulksend itself is at fault",
        "What was sent is in the journal; run again to resume. BULKSEND_DEBUG=1 shows "
        "where it happened; please report that.",
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
        "Check the network and, where it is set, the store's address (such as "
        "AWS_ENDPOINT_URL), then run it again: it goes on where it was.",
    ),
    Kind(
        "E699",
        "too large for one object, of at most 5 GiB",
        "Let `results` end in a slash: a folder takes one object for each shard.",
    ),
)
