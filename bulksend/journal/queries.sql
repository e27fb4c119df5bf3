-- Every statement the journal runs, by name.  `sql.py` reads this file.  Values are
-- `:named`; what SQLite and PostgreSQL cannot both take, queries_postgres.sql says anew.

-- name: add_run
insert into runs (run, campaign, plan, plan_hash, plan_digest, input_digest,
                  content_digest, provider, rows, sendable, results, created_at,
                  slot, kind)
values (:run, :campaign, :plan, :plan_hash, :plan_digest, :input_digest,
        :content_digest, :provider, :rows, :sendable, :results, :created_at,
        :slot, :kind)
on conflict (run) do nothing;

-- The columns in the order of records.Run.
-- name: run
select run, campaign, plan, plan_hash, plan_digest, input_digest, content_digest,
       provider, rows, sendable, results, created_at, finished_at, id,
       slot, kind
from runs where run = :run;

-- name: runs
select run, campaign, plan, plan_hash, plan_digest, input_digest, content_digest,
       provider, rows, sendable, results, created_at, finished_at, id,
       slot, kind
from runs order by created_at desc, id desc;

-- name: finish_run
update runs set finished_at = :now where id = :run_id;

-- name: reopen_run
update runs set finished_at = null where id = :run_id;

-- name: set_results
update runs set results = :results where id = :run_id;

-- name: order
select word, giver, at, heeded_at from orders where run_id = :run_id;

-- name: give_order
insert into orders (run_id, word, giver, at) values (:run_id, :word, :giver, :now)
on conflict (run_id) do update
    set word = :word, giver = :giver, at = :now, heeded_at = null
    where orders.word <> :word;

-- name: take_back_order
delete from orders where run_id = :run_id;

-- name: heed_order
update orders set heeded_at = :now where run_id = :run_id and heeded_at is null;

-- What is over and was not delivered, as far as anybody knows.
-- name: over
select row, status, error_code, attempt from messages
where run_id = :run_id and status in ('refused', 'failed')
order by row;

-- A person wants it tried again: it is planned, as if nobody had tried it yet.
-- name: reopen_row
update messages
set status = 'planned', posted_at = null, accepted_at = null, ended_at = null,
    message_id = null, error_code = null, error = null
where run_id = :run_id and row = :row and status in ('refused', 'failed');

-- name: leases
select epoch, owner, since, expires, run_id, shard from leases
where campaign = :campaign
order by shard;

-- Whether it is free was judged in the same transaction.
-- name: take_lease
insert into leases (campaign, shard, run_id, epoch, owner, since, expires)
values (:campaign, :shard, :run_id, :epoch, :owner, :now, :expires)
on conflict (campaign, shard) do update
    set run_id = :run_id, epoch = :epoch, owner = :owner, since = :now,
        expires = :expires;

-- name: renew_lease
update leases set expires = :expires
where campaign = :campaign and epoch = :epoch and expires >= :now;

-- name: end_lease
update leases set expires = 0 where campaign = :campaign and epoch = :epoch;

-- name: holds_lease
select 1 from leases
where campaign = :campaign and epoch = :epoch and expires >= :now;

-- A claim whose owner is gone proves nothing about the message.  Rows of this shard, and
-- of other runs, which have no sender now; never what another shard has in its hands.
-- name: orphan
update messages set status = 'unknown', ended_at = :now,
       error_code = 'no_answer',
       error = 'The sender stopped between handing this message over and its answer.'
where status = 'claimed'
  and (run_id = :run_id and row between :first and :last
       or run_id in (select id from runs where campaign = :campaign and id <> :run_id))
  and epoch not in (select epoch from leases
                    where campaign = :campaign and expires >= :now);

-- First attempt: the row is not there yet.
-- name: claim_new
insert into messages (run_id, row, status, attempt, epoch, once, claimed_at)
values (:run_id, :row, 'claimed', 1, :epoch, :once, :now)
on conflict (run_id, row) do nothing;

-- name: claim_again
update messages
set status = 'claimed', attempt = attempt + 1, epoch = :epoch, once = :once,
    claimed_at = :now, posted_at = null, error_code = null, error = null
where run_id = :run_id and row = :row and status = 'planned';

-- Rows of one claim whose answer was lost on the way.
-- name: claimed_at
select row from messages
where run_id = :run_id and row between :first and :last
  and status = 'claimed' and epoch = :epoch and claimed_at = :now;

-- name: close_unsent
insert into messages (run_id, row, status, epoch, ended_at, error_code, error)
values (:run_id, :row, :status, :epoch, :now, :error_code, :error)
on conflict (run_id, row) do update
    set status = :status, ended_at = :now, error_code = :error_code, error = :error
    where messages.status = 'planned';

-- Keys of texts that people have, or may have, from other runs of this campaign.
-- name: ledger
select once from messages
where run_id in (select id from runs
                 where campaign = :campaign and slot = :slot and id <> :run_id)
  and once is not null
  and status in ('claimed', 'accepted', 'unknown', 'delivered', 'failed');

-- Under its own epoch only: an owner that was thought dead may still bring the truth
-- about the messages it claimed, and about no others.  What a receipt has said stays: a
-- 202 may come after it, and a failure after a delivery.
-- name: record
update messages
set status = (select next from transitions t
              where t.status = messages.status and t.event = :event),
    posted_at = coalesce(:posted_at, posted_at),
    accepted_at = case when :event = 'accept' then :at else accepted_at end,
    ended_at = case when :event = 'release' then null
                    when status = 'delivered' or status = 'failed' and :event <> 'deliver'
                    then ended_at else :at end,
    message_id = coalesce(:message_id, message_id),
    error_code = case when status = 'delivered' or status = 'failed' and :event <> 'deliver'
                      then error_code else :error_code end,
    error = case when status = 'delivered' or status = 'failed' and :event <> 'deliver'
                 then error else :error end
where run_id = :run_id and row = :row and epoch = :epoch
  and exists (select 1 from transitions t
              where t.status = messages.status and t.event = :event);

-- name: counts
select status, count(*) from messages
where run_id = :run_id and row between :first and :last
group by status;

-- Rows that the engine must not touch again.
-- name: closed_rows
select row from messages
where run_id = :run_id and row between :first and :last and status <> 'planned'
order by row;

-- name: rows_between
select row, status, attempt, posted_at, accepted_at, ended_at, message_id,
       error_code, error
from messages
where run_id = :run_id and row between :first and :last
order by row;

-- Each column of these rows as one text, a value a line; see columns.py.
-- name: columns_between
select group_concat(row, '
'), group_concat(status, '
'), group_concat(attempt, '
'), group_concat(coalesce(posted_at, ''), '
'), group_concat(coalesce(accepted_at, ''), '
'), group_concat(coalesce(ended_at, ''), '
'), group_concat(coalesce(replace(message_id, '
', ' '), ''), '
'), group_concat(coalesce(error_code, ''), '
'), group_concat(coalesce(replace(error, '
', ' '), ''), '
')
from messages where run_id = :run_id and row between :first and :last;
