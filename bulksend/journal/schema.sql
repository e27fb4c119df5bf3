-- The journal's tables as they are in its newest version; migrations.py brings older
-- journals here.  Small rows: numbers and texts stay in the plan, save the numbers that
-- must not be texted, and what people wrote to us.
-- Times are integers: milliseconds since 1970, UTC.

create table if not exists meta (
    name  text primary key,
    value text not null
) without rowid;

-- states.TRANSITIONS, loaded at creation.  The trigger below reads it.
create table if not exists transitions (
    status text not null,
    event  text not null,
    next   text not null,
    primary key (status, event)
) without rowid;

create table if not exists runs (
    id             integer primary key,
    run            text not null unique,
    campaign       text not null,
    plan           text not null,               -- path of the plan file
    plan_hash      text not null,               -- campaign + data + version
    plan_digest    text not null,               -- the plan file's own bytes
    input_digest   text not null,
    content_digest text not null,
    provider       text not null,
    rows           integer not null check (rows >= 0),
    sendable       integer not null check (sendable between 0 and rows),
    results        text not null default '',
    created_at     integer not null,
    finished_at    integer,
    slot           text not null default '',    -- which send of a recurring campaign
    kind           text not null default 'send' check (kind in ('send', 'test')),
    purged_at      integer,                     -- when its numbers and texts were removed
    purpose        text not null default '',    -- which caps count it; '': all
    account        text not null default '',    -- Bandwidth's; '': nobody knows
    any_hour       text not null default '',    -- why no rules about hours held
    check (purged_at is null or finished_at is not null)
);

-- What another terminal wants of a run; it stands until it is taken back.
create table if not exists orders (
    run_id    integer primary key references runs (id),
    word      text not null check (word in ('pause', 'abort')),
    giver     text not null,
    at        integer not null,
    heeded_at integer                           -- when nothing was under way any more
) without rowid;

-- One sender per campaign, or one for each shard of a run.  The epoch only grows, and no
-- two leases of a campaign have the same; a claim made under one that has ended is stale.
-- The lease also makes the ledger exact: while one run of a campaign sends, no other run
-- of it can.
create table if not exists leases (
    campaign text not null,
    shard    integer not null default 0,
    run_id   integer not null default 0,        -- 0: the whole campaign
    epoch    integer not null check (epoch > 0),
    owner    text not null,
    since    integer not null,
    expires  integer not null,
    primary key (campaign, shard),
    unique (campaign, epoch)
) without rowid;

create table if not exists messages (
    run_id      integer not null references runs (id),
    row         integer not null,
    status      text not null,
    attempt     integer not null default 0 check (attempt >= 0),
    epoch       integer not null,
    -- The ledger's key: what makes two messages the same message (campaign, number,
    -- content), as 64 bits.  No index: random keys in a b-tree cost three times what the
    -- rest of a claim costs.  A run reads its campaign's keys once, when it starts.
    once        integer,
    -- Whom it is for, as 64 bits (records.person_key).  An index is made when the first
    -- run counts how often people are texted (`index_people`).
    person      integer,
    claimed_at  integer,
    posted_at   integer,
    accepted_at integer,
    ended_at    integer,
    message_id  text,
    error_code  text,
    error       text,
    primary key (run_id, row),
    -- Which statuses there are is the triggers' business.  These state what each needs;
    -- the cheap half of each stands first, because a CHECK runs on every write.
    check (claimed_at is not null or status in ('planned', 'excluded', 'expired')),
    check (accepted_at is not null or status <> 'accepted'),
    check (error is not null or status <> 'refused'),
    check (error_code is not null
           or status not in ('excluded', 'expired', 'unknown', 'not_sent'))
) without rowid;

-- For who takes a lease: a few rows, whose sender may be gone.
create index if not exists messages_claimed on messages (run_id, row)
where status = 'claimed';

-- Ids begin with their time, so this index grows at its end.
create index if not exists messages_by_id on messages (message_id)
where message_id is not null;

-- Who must not be texted: a row for each time that somebody said so.  It stays when it is
-- lifted, and says until when, and by whom.  A person's own words and those of others
-- stand beside each other: neither hides that the other was said.
create table if not exists suppressions (
    person    integer not null,                 -- records.person_key of the number
    sender    text not null default '',         -- our number it is about; '': all
    number    integer not null,                 -- E.164 without its plus
    reason    text not null,
    source    text not null,                    -- who said so
    since     integer not null,
    lifted_at integer check (lifted_at >= since),
    lifted_by text,
    primary key (person, sender, reason, since),
    check (lifted_at is not null or lifted_by is null)
) without rowid;

create index if not exists opt_outs_by_time on suppressions (since)
where reason = 'opted_out';

-- Every callback, as it came.
create table if not exists receipts (
    message_id  text not null,                  -- '' where none is said
    digest      integer not null,               -- 64 bits over the whole event
    type        text not null,
    at          integer not null,               -- its own time
    received_at integer not null,
    person      integer,                        -- records.person_key of the number
    error_code  integer,
    carrier     text,
    run_id      integer references runs (id),   -- null: for no row of this journal
    row         integer,
    said        text,                           -- the whole of it, where columns lack some
    primary key (message_id, digest),
    check ((run_id is null) = (row is null))
) without rowid;

create index if not exists receipts_by_row on receipts (run_id, row)
where run_id is not null;

-- For who listens while a run goes on: grows at its end, and holds failures only.
create index if not exists failures_by_time on receipts (received_at)
where error_code is not null;

-- How each unknown ended, and what that rests on.
create table if not exists decisions (
    run_id     integer not null references runs (id),
    row        integer not null,
    decided_at integer not null,
    event      text not null,
    source     text not null check (source in ('receipt', 'search', 'operator')),
    evidence   text not null,                   -- JSON, without numbers or texts
    primary key (run_id, row, decided_at, event)
) without rowid;

-- Whom a group's message is for beside its first (`messages.person`), as 64 bits each.
create table if not exists members (
    person integer not null,
    run_id integer not null references runs (id),
    row    integer not null,
    primary key (person, run_id, row)
) without rowid;

create index if not exists members_by_row on members (run_id, row);

-- When an unknown message was certainly on its way: the first moment, by the later of our
-- clock and Bandwidth's, at which somebody found it unknown.  See settle/evidence.py.
create table if not exists looks (
    run_id  integer not null references runs (id),
    row     integer not null,
    attempt integer not null,
    at      integer not null,
    primary key (run_id, row, attempt)
) without rowid;

-- Up to when an account's rate is given away, the part of it that is kept for urgent runs
-- (paces.py), and which share of it Bandwidth takes now.  In microseconds, by the clock of
-- the database's server; of a file by that which counts while the machine runs.
create table if not exists paces (
    name       text primary key,
    begins     integer not null default 0,      -- how far ahead it was, when asked before
    given_to   integer not null,
    kept_to    integer not null default 0,
    share      real not null default 1 check (share > 0 and share <= 1),
    changed_at integer not null default 0,
    asked_at   integer not null default 0       -- the latest moment that the clock showed
) without rowid;

-- Since when a run's pace rises, and up to when that is given away: by the same clock.
create table if not exists ramps (
    run_id   integer primary key references runs (id),
    began_at integer not null,
    given_to integer not null,
    asked_at integer not null default 0
) without rowid;

-- Segments that went to a carrier by a brand's or a campaign's cap, by the while that it
-- is counted in: limits.py.
create table if not exists purses (
    name text not null,
    at   integer not null,
    used integer not null check (used >= 0),
    primary key (name, at)
) without rowid;

-- The first few of a run: while they are not passed, nothing else of it is sent.
create table if not exists canaries (
    run_id    integer primary key references runs (id),
    size      integer not null check (size > 0),
    sent_at   integer,                          -- since when receipts are waited for
    passed_at integer,
    passed_by text not null default ''          -- '': its receipts
) without rowid;

-- What stopped a run.
create table if not exists halts (
    run_id    integer not null references runs (id),
    at        integer not null,
    code      text not null,                    -- of the problem, as in docs/errors.md
    found     text not null,
    is_canary integer not null check (is_canary in (0, 1)),
    lifted_at integer check (lifted_at >= at),
    primary key (run_id, at, code)
) without rowid;

create trigger if not exists only_known_arrows
before update of status on messages
when old.status <> new.status
 and not exists (select 1 from transitions
                 where status = old.status and next = new.status)
begin
    select raise(abort, 'the state table has no such arrow');
end;

create trigger if not exists only_known_beginnings
before insert on messages
when not exists (select 1 from transitions
                 where status = 'planned' and next = new.status)
begin
    select raise(abort, 'a message begins as planned');
end;
