-- From version 2 (of 2026-11-26) to 3.

create table purses (
    name text not null,
    at   integer not null,
    used integer not null check (used >= 0),
    primary key (name, at)
) without rowid;
