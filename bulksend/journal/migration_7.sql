-- From version 6 (of 2026-11-26) to 7.

alter table runs add column purpose text not null default '';
