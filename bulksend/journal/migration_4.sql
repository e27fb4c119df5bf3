-- From version 3 (of 2026-11-26) to 4.

create table canaries (
    run_id    integer primary key references runs (id),
    size      integer not null check (size > 0),
    sent_at   integer,
    passed_at integer,
    passed_by text not null default ''
) without rowid;

create table halts (
    run_id    integer not null references runs (id),
    at        integer not null,
    code      text not null,
    found     text not null,
    is_canary integer not null check (is_canary in (0, 1)),
    lifted_at integer check (lifted_at >= at),
    primary key (run_id, at, code)
) without rowid;
