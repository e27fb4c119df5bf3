-- From version 9 (of 2026-11-27) to 10.

alter table runs add column any_hour text not null default '';
