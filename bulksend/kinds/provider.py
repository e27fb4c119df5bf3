"""E5xx: the provider, the sign-in, and the workers."""

from __future__ import annotations

from bulksend.kinds.kind import Kind

ROWS = (
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
        "Check the credentials, BW_ACCOUNT_ID and the user's messaging role, then run"
        " it again: it resumes. BW_USERNAME and BW_PASSWORD work until 2026-12-02 only:"
        " then BW_CLIENT_ID and BW_CLIENT_SECRET are needed.",
    ),
    Kind(
        "E510",
        "Bandwidth cannot be reached",
        "Nothing was lost: run it again later, and it resumes.",
    ),
    Kind(
        "E511",
        "Bandwidth did not take some messages",
        "They were not sent: run it again later, and it tries them again.",
    ),
    Kind(
        "E512",
        "too many outcomes are unknown",
        "See what stands between this machine and Bandwidth, then run it again: it "
        "resumes, and what is unknown is not sent again.",
    ),
    Kind(
        "E513",
        "too many messages are refused",
        "See `error` in the results for Bandwidth's own words, and mend the list or "
        "the campaign; run it again and it resumes with the rest. To go on as it is, "
        "raise `send.stop_at`.",
    ),
    Kind(
        "E514",
        "filters stop this text as spam",
        "Change the text, and ask Bandwidth what the filter saw, before you send the "
        "rest.",
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
        "E526",
        "messages are left that were not asked for",
        "`bulksend run CAMPAIGN` sends them.",
    ),
    Kind(
        "E540",
        "nobody could tell Bandwidth from a stranger",
        "Set BW_CALLBACK_USERNAME and BW_CALLBACK_PASSWORD to what the application "
        "has; --no-auth needs --host 127.0.0.1.",
    ),
    Kind(
        "E541",
        "the listener cannot listen",
        "Choose another port or host.",
    ),
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
    Kind(
        "E548",
        "the clocks are too far apart",
        "Set this machine's clock by NTP: hours for texting stand on it, and so does "
        "what proves that a message was not sent.",
    ),
    Kind(
        "E549",
        "Bandwidth's clock is not known",
        "Its answers have no Date: ask without the proxy that takes it away. Until then "
        "no message is proven not to be sent.",
    ),
    Kind(
        "E550",
        "a run's plan is gone, so its unknown messages cannot be looked up",
        "Put its plan back; or say what you know: `bulksend settle --decide RUN ROW "
        "accepted|not_sent --because ...`.",
    ),
    Kind(
        "E551",
        "another account's run",
        "Set BW_ACCOUNT_ID and the credentials that it was sent with: no other account's "
        "search knows its messages.",
    ),
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
    Kind(
        "E566",
        "the cluster is gone",
        "Start its scheduler and workers anew, then run this again: it goes on, and "
        "sends nobody twice.",
    ),
    Kind(
        "E567",
        "failed messages that another try would not mend",
        "See docs/delivery-codes.md for each code. With another text, or to other "
        "numbers, it is a new campaign: its list is these rows of the results, by "
        "`error_code`.",
    ),
    Kind(
        "E568",
        "failed messages that may arrive yet",
        "Ask those people, or leave it: a second one could double it.",
    ),
    Kind(
        "E569",
        "group messages that some of their people may have",
        "No receipt says of each of them that it failed: write to the others one by one, "
        "in a new campaign.",
    ),
    Kind(
        "E580",
        "the simulator cannot play this scenario",
        "Change the option.",
    ),
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
        "Give all workers the same bulksend, the campaign's folder and BULKSEND_HOME "
        "at the same path, and a BULKSEND_JOURNAL that leads to the same journal from "
        "there; nothing was sent.",
    ),
    Kind(
        "E593",
        "workers on other machines need a journal in PostgreSQL",
        "Set BULKSEND_JOURNAL=postgresql://… here and on every worker.",
    ),
    Kind(
        "E594",
        "no such workers",
        "Name a Dask scheduler, or how many processes.",
    ),
    Kind(
        "E595",
        "a worker did not end its part",
        "Run it again: it resumes, and sends nobody twice.",
    ),
    Kind(
        "E596",
        "a connection of Airflow's cannot be used",
        "Make it under Admin, Connections, with the type that is expected, or correct"
        " its id in the DAG.",
    ),
)
