-- From version 11 (of 2026-11-27) to 12.

-- Whom a group's message is for beside its first (`messages.person`), as 64 bits each.
create table members (
    person integer not null,
    run_id integer not null references runs (id),
    row    integer not null,
    primary key (person, run_id, row)
) without rowid;

create index members_by_row on members (run_id, row);
