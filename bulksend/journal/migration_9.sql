-- From version 8 (of 2026-11-27) to 9.

alter table runs add column account text not null default '';
