-- From version 5 (of 2026-11-26) to 6.

-- What stands there was told by another clock.
delete from paces;
delete from ramps;
alter table paces add column asked_at integer not null default 0;
alter table ramps add column asked_at integer not null default 0;
