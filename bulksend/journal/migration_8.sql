-- From version 7 (of 2026-11-27) to 8.

create table words (
    person    integer not null,
    sender    text not null default '',
    number    integer not null,
    reason    text not null,
    source    text not null,
    since     integer not null,
    lifted_at integer check (lifted_at >= since),
    lifted_by text,
    primary key (person, sender, reason, since),
    check (lifted_at is not null or lifted_by is null)
) without rowid;

insert into words (person, sender, number, reason, source, since, lifted_at)
select person, sender, number, reason, source, since, lifted_at from suppressions;

drop table suppressions;

alter table words rename to suppressions;

create index opt_outs_by_time on suppressions (since) where reason = 'opted_out';

create table looks (
    run_id  integer not null references runs (id),
    row     integer not null,
    attempt integer not null,
    at      integer not null,
    primary key (run_id, row, attempt)
) without rowid;
