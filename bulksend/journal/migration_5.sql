-- From version 4 (of 2026-11-26) to 5.

create index messages_claimed on messages (run_id, row) where status = 'claimed';
