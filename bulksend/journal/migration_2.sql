-- From version 1 (of 2026-11-26) to 2.

alter table paces add column begins integer not null default 0;
alter table paces add column kept_to integer not null default 0;

create table ramps (
    run_id   integer primary key references runs (id),
    began_at integer not null,
    given_to integer not null
) without rowid;
