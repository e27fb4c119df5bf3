-- The journal's tables.  Small rows: numbers and texts stay in the plan.
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
    kind           text not null default 'send' check (kind in ('send', 'test'))
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
    check (error_code is not null or status not in ('excluded', 'expired', 'unknown'))
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
