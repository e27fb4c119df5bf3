-- Every statement the journal runs, by name.  `sql.py` reads this file.  Values are
-- `:named`; what SQLite and PostgreSQL cannot both take, queries_postgres.sql says anew.
--
-- A statement with `:records` is run once for all records: a JSON array of each one's
-- fields.  Python lets its other threads in for every statement, and has to wait for them.

-- See migrations.py.
-- name: said
select name, value from meta;

-- name: say
insert into meta (name, value) values (:name, :value)
on conflict (name) do update set value = :value;

-- A journal's own name, from when it was first asked for.
-- name: introduce
insert into meta (name, value) values ('identity', :identity)
on conflict (name) do nothing;

-- name: forget_arrows
delete from transitions;

-- name: add_arrow
insert into transitions (status, event, next) values (:status, :event, :next);

-- No lease is taken meanwhile; a file has one writer at a time anyway.
-- name: hold_leases
delete from leases where false;

-- name: senders
select count(*) from leases where expires >= :now;

-- name: add_run
insert into runs (run, campaign, plan, plan_hash, plan_digest, input_digest,
                  content_digest, provider, rows, sendable, results, created_at,
                  slot, kind, purpose, account, any_hour)
values (:run, :campaign, :plan, :plan_hash, :plan_digest, :input_digest,
        :content_digest, :provider, :rows, :sendable, :results, :created_at,
        :slot, :kind, :purpose, :account, :any_hour)
on conflict (run) do nothing;

-- name: take_account
update runs set account = :account
where id = :run_id and (account in ('', :account) or :nothing_left);

-- Whatever was not refused, or was not when it was planned again: of a message whose absence
-- was proven that account's search alone shows if the proof was wrong.
-- name: may_have_left
select 1 where exists (
    select 1 from messages
    where run_id = :run_id and status in ('claimed', 'accepted', 'unknown', 'not_sent',
                                          'delivered', 'failed'))
or exists (
    select 1 from decisions
    where run_id = :run_id and event = 'again'
      and evidence not like '%"status":"refused"%');

-- The columns in the order of records.Run.
-- name: run
select run, campaign, plan, plan_hash, plan_digest, input_digest, content_digest,
       provider, rows, sendable, results, created_at, finished_at, id,
       slot, kind, purged_at, purpose, account, any_hour
from runs where run = :run;

-- name: runs
select run, campaign, plan, plan_hash, plan_digest, input_digest, content_digest,
       provider, rows, sendable, results, created_at, finished_at, id,
       slot, kind, purged_at, purpose, account, any_hour
from runs order by created_at desc, id desc;

-- name: finish_run
update runs set finished_at = :now where id = :run_id;

-- name: end_run
update runs set finished_at = :now where id = :run_id and finished_at is null;

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

-- What is over and was not delivered, as far as anybody knows, but for those who must not
-- be texted any more; and what a person wanted tried again, and was not.  A carrier's
-- failures are counted but for the one that the row tells of itself; versions before
-- 2026-11-27 kept no code of what failed, which may have been a carrier's.
-- name: over
select row, status, error_code,
       (select count(*) from decisions as before
        where before.run_id = messages.run_id and before.row = messages.row
          and before.event = 'again'
          and (before.evidence like '%"code":"56%'
               or before.evidence like '%"status":"failed"%'
                  and before.evidence not like '%"code":%')
          and before.evidence not like
              '%"since":' || coalesce(cast(messages.posted_at as text), '-') || ',%')
from messages
where run_id = :run_id
  and (status in ('refused', 'failed')
         and not exists (select 1 from suppressions as one
                         where one.person = messages.person and one.sender = ''
                           and one.lifted_at is null)
       or status = 'planned' and error_code = 'again')
order by row;

-- Of rows that are over: what is told of messages before their last, and whether one of
-- these had failed when the row was planned again.
-- name: told_beside
select m.row, r.message_id, r.type, r.error_code,
       exists (select 1 from decisions as before
               where before.run_id = m.run_id and before.row = m.row
                 and before.event = 'again'
                 and before.evidence like '%"status":"failed"%'
                 and before.evidence like '%"message_id":"' || replace(replace(
                     r.message_id, '\', '\\'), '"', '\"') || '"%' escape '!')
from messages as m join receipts as r on r.run_id = m.run_id and r.row = m.row
where m.run_id = :run_id and m.status in ('refused', 'failed') and r.message_id <> ''
  and (m.status = 'refused' or r.message_id <> coalesce(m.message_id, ''))
order by m.row, r.message_id;

-- What the next try writes over; a decision of a person's.
-- name: keep_try
insert into decisions (run_id, row, decided_at, event, source, evidence)
select run_id, row, :now, 'again', 'operator',
       '{"attempt":' || attempt
       || ',"since":' || coalesce(cast(posted_at as text), 'null')
       || ',"accepted":' || coalesce(cast(accepted_at as text), 'null')
       || ',"ended":' || coalesce(cast(ended_at as text), 'null')
       || ',"status":"' || status
       || '","code":"' || coalesce(error_code, 'failed') || '"'
       || coalesce(',"message_id":"'
                   || replace(replace(message_id, '\', '\\'), '"', '\"') || '"', '')
       || '}'
from messages
where run_id = :run_id and row = :row and status in ('refused', 'failed')
on conflict (run_id, row, decided_at, event) do nothing;

-- A person wants it tried again: it is planned, and says so until it is claimed.  Its
-- message's id stays, to know that one's late callbacks by (`prove`).
-- name: reopen_row
update messages
set status = 'planned', posted_at = null, accepted_at = null, ended_at = null,
    error_code = 'again', error = 'It was to be sent again, and has not been yet.'
where run_id = :run_id and row = :row and status in ('refused', 'failed');

-- name: leases
select epoch, owner, since, expires, run_id, shard from leases
where campaign = :campaign
order by shard;

-- Who sends other campaigns of a provider; :alike is a pattern for their names.
-- name: leases_beside
select epoch, owner, since, expires, run_id, shard from leases
where campaign <> :campaign and campaign like :alike and expires >= :now;

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
-- `+run_id` has SQLite look among the claimed, and not through all rows of a run.
-- name: orphan
update messages set status = 'unknown', ended_at = :now,
       error_code = 'no_answer',
       error = 'The sender stopped between handing this message over and its answer.'
where status = 'claimed'
  and (+run_id = :run_id and row between :first and :last
       or +run_id in (select id from runs where campaign = :campaign and id <> :run_id))
  and epoch not in (select epoch from leases
                    where campaign = :campaign and expires >= :now);

-- Its journal failed, and it ends: what it has not recorded by now it never will.
-- name: orphan_own
update messages set status = 'unknown', ended_at = :now,
       error_code = 'no_answer',
       error = 'The sender stopped between handing this message over and its answer.'
where +run_id = :run_id and status = 'claimed' and epoch = :epoch;

-- name: claiming
select distinct epoch from messages where +run_id = :run_id and status = 'claimed';

-- Before the row is claimed: it counts with it.
-- name: keep_member
insert into members (person, run_id, row) values (:person, :run_id, :row)
on conflict (person, run_id, row) do nothing;

-- First attempt: the row is not there yet.
-- name: claim_new
insert into messages (run_id, row, status, attempt, epoch, once, person, claimed_at)
select :run_id, json_extract(value, '$[0]'), 'claimed', 1, :epoch,
       json_extract(value, '$[1]'), json_extract(value, '$[3]'), :now
from json_each(:records) where true
on conflict (run_id, row) do nothing;

-- name: claim_again
update messages
set status = 'claimed', attempt = attempt + 1, epoch = :epoch, once = :once,
    person = :person, claimed_at = :now, posted_at = null, error_code = null,
    error = null
where run_id = :run_id and row = :row and status = 'planned';

-- Rows of one claim whose answer was lost on the way.
-- name: claimed_at
select row from messages
where run_id = :run_id and row between :first and :last
  and status = 'claimed' and epoch = :epoch and claimed_at = :now;

-- name: latest_claim
select epoch, attempt from messages
where run_id = :run_id and row = :row and claimed_at is not null;

-- name: latest_unknown
select count(*) from (select status from messages
                      where run_id = :run_id and row between :first and :last
                      order by row desc limit :most) as latest
where status = 'unknown';

-- name: close_unsent
insert into messages (run_id, row, status, epoch, ended_at, error_code, error)
values (:run_id, :row, :status, :epoch, :now, :error_code, :error)
on conflict (run_id, row) do update
    set status = :status, ended_at = :now, error_code = :error_code, error = :error
    where messages.status = 'planned';

-- name: is_any_again
select 1 from decisions
where run_id = :run_id and row between :first and :last and event = 'again' limit 1;

-- What was taken, failed, was to be sent again and must not be is what it was before.
-- name: fall_back
update messages
set status = 'failed', posted_at = json_extract(kept.evidence, '$.since'),
    accepted_at = json_extract(kept.evidence, '$.accepted'),
    ended_at = json_extract(kept.evidence, '$.ended'),
    error_code = coalesce(json_extract(kept.evidence, '$.code'), 'failed'),
    error = 'It failed, and was not sent again: ' || :error
from decisions as kept
where messages.run_id = :run_id and messages.row = :row and messages.status = 'planned'
  and kept.run_id = messages.run_id and kept.row = messages.row
  and kept.event = 'again'
  and kept.decided_at = (
    select max(decided_at) from decisions
    where run_id = :run_id and row = :row and event = 'again'
      and evidence like '%"status":"failed"%');

-- For `texted_among`.  Random keys: it costs a claim about 10 us of CPU for each message.
-- name: index_people
create index if not exists messages_by_person on messages (person)
where person is not null;

-- How many messages these people have, or may have, since then: from any campaign, or
-- from those with this purpose.  Of a run that does not say its purpose, it may be that.
-- name: texted_among
select person, count(*)
from (select run_id, person, status, posted_at, claimed_at from messages
      where person in (select value from json_each(:people))
      union all
      select m.run_id, members.person, status, posted_at, claimed_at
      from members join messages as m on m.run_id = members.run_id and m.row = members.row
      where members.person in (select value from json_each(:people))) as texted
where coalesce(posted_at, claimed_at) >= :since
  and status in ('claimed', 'accepted', 'unknown', 'delivered', 'failed')
  and run_id in (select id from runs where provider = :provider
                 and (:purpose = '' or purpose in ('', :purpose)))
group by person;

-- All who have, or may have, so many since then.  A run that was over before says nothing
-- of that time, and is not looked at.  Rows are counted by their index, apart from the
-- members of groups: to count both in one heap took three times as long.
-- name: had_enough
with near as (select id from runs where provider = :provider
              and (:purpose = '' or purpose in ('', :purpose))
              and coalesce(finished_at, :since) >= :since)
select person
from (select person, count(*) as many from messages
      where person is not null and coalesce(posted_at, claimed_at) >= :since
        and status in ('claimed', 'accepted', 'unknown', 'delivered', 'failed')
        and run_id in (select id from near)
      group by person
      union all
      select members.person, count(*)
      from members join messages as m on m.run_id = members.run_id and m.row = members.row
      where coalesce(posted_at, claimed_at) >= :since
        and status in ('claimed', 'accepted', 'unknown', 'delivered', 'failed')
        and members.run_id in (select id from near)
      group by members.person) as texted
group by person having sum(many) >= :most;

-- name: used_of_purses
select at, used from purses where name = :name and at >= :since and used > 0;

-- name: take_from_purse
insert into purses (name, at, used) values (:name, :at, :used)
on conflict (name, at) do update set used = purses.used + :used;

-- name: put_into_purse
update purses set used = case when used > :used then used - :used else 0 end
where name = :name and at = :at;

-- name: forget_purses
delete from purses where at < :before;

-- name: begin_canary
insert into canaries (run_id, size) values (:run_id, :size)
on conflict (run_id) do nothing;

-- name: canary
select size, sent_at, passed_at, passed_by from canaries where run_id = :run_id;

-- name: canary_sent
update canaries set sent_at = :now where run_id = :run_id and passed_at is null;

-- name: canary_passed
update canaries set passed_at = :now, passed_by = :by
where run_id = :run_id and passed_at is null;

-- name: fates
select status, error_code, count(*) from messages
where run_id = :run_id and status <> 'planned'
group by status, error_code;

-- name: texted_of_run
select count(*), sum(case when status = 'failed' then 1 else 0 end) from messages
where run_id = :run_id and row between :first and :last
  and status in ('accepted', 'delivered', 'failed')
  and coalesce(posted_at, claimed_at) between :since and :until;

-- name: first_claim
select min(claimed_at) from messages where run_id = :run_id;

-- name: halt
insert into halts (run_id, at, code, found, is_canary)
values (:run_id, :now, :code, :found, :is_canary)
on conflict (run_id, at, code) do nothing;

-- name: halts
select at, code, found, is_canary, lifted_at from halts
where run_id = :run_id order by at desc, code limit :most;

-- name: lift_halts
update halts set lifted_at = case when at > :now then at else :now end
where run_id = :run_id and lifted_at is null;

-- Keys of texts that people have, or may have, from other runs of this campaign.  A row
-- that ended without a message may have had one before, which was called not sent, and of
-- which receipts tell.
-- name: ledger
select once from messages
where run_id in (select id from runs
                 where campaign = :campaign and slot = :slot and id <> :run_id)
  and once is not null
  and (status in ('claimed', 'accepted', 'unknown', 'delivered', 'failed')
       or status in ('refused', 'expired', 'excluded')
          and exists (select 1 from receipts as told
                      where told.run_id = messages.run_id and told.row = messages.row))
order by once;

-- Under its own epoch only: an owner that was thought dead may still bring the truth
-- about the messages it claimed, and about no others.  What a receipt has said stays: a
-- 202 may come after it, and a failure after a delivery.
-- A 202 that broke off had no id, and is none of the message before (`keep_try`); a row
-- that has a message's id keeps that one's moment, too.
-- `0 * said.key` has it begin with what is said, and look each row up.
-- name: record
update messages
set status = t.next,
    posted_at = coalesce(json_extract(said.value, '$[3]'), messages.posted_at),
    accepted_at = case when t.event = 'accept'
                         and (messages.accepted_at is null or messages.message_id is null
                              or json_extract(said.value, '$[4]') is not null)
                       then json_extract(said.value, '$[2]')
                       else messages.accepted_at end,
    ended_at = case when t.event = 'release' then null
                    when messages.status = 'delivered'
                      or messages.status = 'failed' and t.event <> 'deliver'
                    then messages.ended_at else json_extract(said.value, '$[2]') end,
    message_id = coalesce(json_extract(said.value, '$[4]'),
                          case when t.event = 'accept' and
                              exists (select 1 from decisions as before
                                      where before.run_id = messages.run_id
                                        and before.row = messages.row and before.event = 'again'
                                        and before.evidence like '%"message_id":"' || replace(
                                            replace(messages.message_id, '\', '\\'),
                                            '"', '\"') || '"%' escape '!')
                          then null else messages.message_id end),
    error_code = case when messages.status = 'delivered'
                        or messages.status = 'failed' and t.event <> 'deliver'
                      then messages.error_code else json_extract(said.value, '$[5]') end,
    error = case when messages.status = 'delivered'
                   or messages.status = 'failed' and t.event <> 'deliver'
                 then messages.error else json_extract(said.value, '$[6]') end
from json_each(:records) as said, transitions as t
where messages.run_id = :run_id + 0 * said.key
  and messages.row = json_extract(said.value, '$[0]') and messages.epoch = :epoch
  and t.status = messages.status and t.event = json_extract(said.value, '$[1]');

-- name: counts
select status, count(*) from messages
where run_id = :run_id and row between :first and :last
group by status;

-- Rows that the engine must not touch again, as one text.
-- name: closed
select group_concat(case when status <> 'planned' then row end, '
')
from messages where run_id = :run_id and row between :first and :last;

-- name: last_row
select max(row) from messages where run_id = :run_id and row between :first and :last;

-- name: closed_count
select count(*) from messages where run_id = :run_id and status <> 'planned';

-- name: closed_as
select count(*) from messages
where run_id = :run_id and row between :first and :last
  and status = :status and error_code = :error_code;

-- name: rows_between
select row, status, attempt, posted_at, accepted_at, ended_at, message_id,
       error_code, error
from messages
where run_id = :run_id and row between :first and :last
order by row;

-- Each column of these rows as one text, and what few rows have as JSON; see columns.py.
-- The rows come in the order of the primary key, by which they are found.
-- name: columns_between
select group_concat(coalesce(posted_at - :since, '')),
       group_concat(coalesce(accepted_at - posted_at, accepted_at - :since, '')),
       group_concat(coalesce(ended_at - posted_at, ended_at - :since, '')),
       group_concat(coalesce(message_id, '')),
       group_concat(row - :zero) filter (where :with_rows),
       json_group_array(json_array(row, attempt, error_code, error, status))
           filter (where attempt <> 1 or error_code is not null or error is not null
                   or status <> iif(ended_at > accepted_at, 'delivered', 'accepted')),
       count(*), coalesce(sum(row), 0)
from messages where run_id = :run_id and row between :first and :last;

-- -- suppressions ------------------------------------------------------------------------

-- A person's every word is kept, unless their START is later than it; at the same moment a
-- STOP takes the START's place.  An operator lifts what is known, never a STOP that is
-- still on its way.  Of others' words what stands stays, and so does what was lifted after
-- this one began.
-- name: suppress
insert into suppressions (person, sender, number, reason, source, since)
select :person, :sender, :number, :reason, :source, :since
where not exists (select 1 from suppressions
                  where person = :person and sender = :sender and reason = :reason
                    and case reason
                            when 'opted_out'
                                then lifted_at > :since and lifted_by <> 'operator'
                            else lifted_at is null or lifted_at >= :since
                        end)
on conflict (person, sender, reason, since) do update
set source = excluded.source, lifted_at = null, lifted_by = null
where suppressions.lifted_at = suppressions.since
  and suppressions.lifted_by <> 'operator';

-- A list's word about many numbers, each once.
-- name: suppress_numbers
insert into suppressions (person, sender, number, reason, source, since)
select json_extract(one.value, '$[0]'), :sender, json_extract(one.value, '$[1]'),
       :reason, :source, :since
from json_each(:records) as one
where not exists (select 1 from suppressions
                  where person = json_extract(one.value, '$[0]') and sender = :sender
                    and reason = :reason
                    and (lifted_at is null or lifted_at >= :since))
on conflict (person, sender, reason, since) do nothing;

-- A person's own word lifts what that person's own word began.
-- name: lift_own
update suppressions set lifted_at = :since, lifted_by = :source
where person = :person and sender = :sender and reason = :reason
  and since < :since and lifted_at is null;

-- It is kept even where there was nothing to lift: callbacks come in any order, and an
-- older STOP may follow.
-- name: keep_start
insert into suppressions (person, sender, number, reason, source, since, lifted_at,
                          lifted_by)
select :person, :sender, :number, :reason, :source, :since, :since, :source
where not exists (select 1 from suppressions
                  where person = :person and sender = :sender and reason = :reason
                    and lifted_at >= :since and lifted_by <> 'operator')
on conflict (person, sender, reason, since) do nothing;

-- name: lift
update suppressions
set lifted_at = case when since > :now then since else :now end, lifted_by = :by
where person = :person and (:sender = '' or sender = :sender) and lifted_at is null;

-- name: suppressions_of
select person, sender, number, reason, source, since, lifted_at, lifted_by
from suppressions where person = :person order by sender, since, reason;

-- :people is a JSON array of keys: one statement for a whole claim.
-- name: suppressed_among
select person, sender, reason, source from suppressions
where person in (select value from json_each(:people)) and lifted_at is null
order by since;

-- Who said STOP more than once is there once, with the first that stands.
-- name: suppressions
select person, sender, number, reason, source, since, lifted_at, lifted_by
from suppressions as one
where lifted_at is null
  and (reason <> 'opted_out'
       or not exists (select 1 from suppressions as older
                      where older.person = one.person and older.sender = one.sender
                        and older.reason = one.reason and older.since < one.since
                        and older.lifted_at is null))
order by person, sender, reason;

-- name: barred
select distinct number, sender from suppressions where lifted_at is null;

-- name: suppressions_count
select reason, count(*)
from (select distinct person, sender, reason from suppressions
      where lifted_at is null) as entries
group by reason;

-- A phone in Argentina is there by its number with the 9 and without (settle/spellings.py).
-- name: opt_outs_since
select count(distinct case when number between 5491000000000 and 5493999999999
                           then number - 4950000000000 else number end)
from suppressions
where reason = 'opted_out' and since >= :since and lifted_at is null;

-- Reads all rows of the run: there is no index by person.  Of a group each member counts.
-- name: opt_outs_of_run
with gone as (select person from suppressions
              where reason = 'opted_out' and since >= :since and lifted_at is null)
select count(distinct person)
from (select person from messages
      where run_id = :run_id and row between :first and :last and claimed_at is not null
        and person in (select person from gone)
      union all
      select members.person
      from members join messages as m on m.run_id = members.run_id and m.row = members.row
      where members.run_id = :run_id and members.row between :first and :last
        and claimed_at is not null and members.person in (select person from gone))
     as texted;

-- Which rows these are.
-- name: opt_out_rows
with gone as (select person from suppressions
              where reason = 'opted_out' and since >= :since and lifted_at is null)
select row from messages
where run_id = :run_id and claimed_at is not null and person in (select person from gone)
union
select members.row
from members join messages as m on m.run_id = members.run_id and m.row = members.row
where members.run_id = :run_id and claimed_at is not null
  and members.person in (select person from gone)
order by row;

-- name: people_since
with recent as (select id from runs where finished_at is null or finished_at >= :since)
select count(distinct person)
from (select person from messages
      where accepted_at >= :since and run_id in (select id from recent)
      union all
      select members.person
      from members join messages as m on m.run_id = members.run_id and m.row = members.row
      where accepted_at >= :since and members.run_id in (select id from recent)) as texted;

-- -- receipts -----------------------------------------------------------------------------

-- name: keep_receipt
insert into receipts (message_id, digest, type, at, received_at, person, error_code,
                      carrier, run_id, row, said)
values (:message_id, :digest, :type, :at, :received_at, :person, :error_code,
        :carrier, :run_id, :row, :said)
on conflict (message_id, digest) do nothing;

-- An earlier message of a row that was sent again is told of by receipts alone.
-- name: row_of_message
select run_id, row from messages where message_id = :message_id
union all
select run_id, row from receipts where message_id = :message_id and run_id is not null
limit 1;

-- Of rows whose last message has failed: what each receipt said of it, and of whom.
-- name: told_of_failed
select m.row, r.person, r.type, r.error_code
from messages as m left join receipts as r
     on r.run_id = m.run_id and r.row = m.row and r.message_id = m.message_id
where m.run_id = :run_id and m.status = 'failed';

-- name: earlier_ids
select evidence from decisions where event = 'again' and evidence like '%"message_id":"%';

-- name: receipts_of_row
select type, at, received_at, message_id, error_code, carrier
from receipts where run_id = :run_id and row = :row order by at, digest;

-- name: is_heard
select 1 from receipts where message_id = :message_id limit 1;

-- name: receipts_count
select type, run_id is not null, count(*) from receipts group by 1, 2;

-- name: failures_since
select message_id, error_code from receipts
where received_at >= :since and error_code is not null and run_id = :run_id
  and row between :first and :last;

-- Of which runs a carrier said of a message posted since then why it failed.
-- name: failed_with
select distinct runs.id from receipts
join runs on runs.id = receipts.run_id
join messages on messages.run_id = receipts.run_id and messages.row = receipts.row
where receipts.received_at >= :since and receipts.error_code is not null
    and receipts.error_code = :code and runs.provider = :provider
    and (messages.posted_at is null or messages.posted_at >= :since);

-- Of rows with several messages: what is told of each.
-- name: told_of_several
select distinct row, message_id, type, error_code from receipts
where run_id = :run_id and message_id <> ''
  and row in (select row from receipts where run_id = :run_id and message_id <> ''
              group by row having count(distinct message_id) > 1)
order by row, message_id;

-- -- evidence -----------------------------------------------------------------------------

-- name: decide
insert into decisions (run_id, row, decided_at, event, source, evidence)
select :run_id, :row, :now, :event, :source, :evidence
where exists (select 1 from messages as m
              join transitions as t on t.status = m.status and t.event = :event
              where m.run_id = :run_id and m.row = :row
                and (m.status in ('unknown', 'not_sent')
                     or m.status = 'planned' and :source = 'operator')
                and :attempt in (0, m.attempt)
                and (:event <> 'fail' or m.attempt < 2 or m.status <> 'unknown'
                     or coalesce(cast(:accepted_at as bigint), m.claimed_at)
                        >= m.claimed_at - :apart)
                and (:event = 'deliver' or m.message_id is null
                     or cast(:message_id as text) is null
                     or m.message_id <> cast(:message_id as text))
                and (:event = 'deliver'
                     or not exists (select 1 from decisions as before
                                 where before.run_id = m.run_id
                                   and before.row = m.row
                                   and before.event = 'again'
                                   and before.evidence like
                                       '%"message_id":"' || replace(replace(
                                           cast(:message_id as text), '\', '\\'), '"', '\"')
                                       || '"%' escape '!')))
on conflict (run_id, row, decided_at, event) do nothing;

-- Evidence counts under no epoch: it is true whoever claimed the row.  Four statements,
-- because most of it is about accepted messages, and to write an index for each of them
-- would cost twice what the rest does.
--
-- A row that is tried once more still has its last message's id, and those before are in
-- its decisions (`keep_try`): what is said of one of them fails (or proves) nothing of the
-- next; that it was delivered counts always.
-- Nor does a failure of what was taken before the latest claim (:apart for clocks), whose
-- own message may be on its way: it had an id that nobody knew when it was sent again.
-- name: prove_open
update messages
set status = (select next from transitions t
              where t.status = messages.status and t.event = :event),
    accepted_at = coalesce(accepted_at, cast(:accepted_at as bigint)),
    ended_at = cast(:at as bigint),
    message_id = coalesce(cast(:message_id as text),
                          case when
                              exists (select 1 from decisions as before
                                      where before.run_id = messages.run_id
                                        and before.row = messages.row and before.event = 'again'
                                        and before.evidence like '%"message_id":"' || replace(
                                            replace(messages.message_id, '\', '\\'),
                                            '"', '\"') || '"%' escape '!')
                          then null else message_id end),
    error_code = cast(:error_code as text),
    error = cast(:error as text)
where run_id = :run_id and row = :row
  and status in ('planned', 'claimed', 'unknown', 'not_sent')
  and (:event <> 'fail' or attempt < 2 or status not in ('claimed', 'unknown')
       or coalesce(cast(:accepted_at as bigint), claimed_at) >= claimed_at - :apart)
  and (:event = 'deliver' or message_id is null or cast(:message_id as text) is null
       or message_id <> cast(:message_id as text))
  and (:event = 'deliver'
       or not exists (select 1 from decisions as before
                                 where before.run_id = messages.run_id
                                   and before.row = messages.row
                                   and before.event = 'again'
                                   and before.evidence like
                                       '%"message_id":"' || replace(replace(
                                           cast(:message_id as text), '\', '\\'), '"', '\"')
                                       || '"%' escape '!'));

-- name: prove_accepted
update messages
set status = case when :event = 'deliver' then 'delivered' else 'failed' end,
    accepted_at = coalesce(accepted_at, cast(:accepted_at as bigint)),
    ended_at = cast(:at as bigint),
    error_code = cast(:error_code as text),
    error = cast(:error as text)
where run_id = :run_id and row = :row
  and (:event = 'deliver'
         and (status in ('accepted', 'failed') or status = 'delivered' and ended_at is null)
       or :event = 'fail' and status = 'accepted'
          and (attempt < 2 or claimed_at is null
               or case when message_id is null
                       then coalesce(cast(:accepted_at as bigint), accepted_at)
                       else accepted_at end >= claimed_at - :apart)
          and (cast(:message_id as text) is null
               or message_id = cast(:message_id as text)
               or message_id is null and not
                   exists (select 1 from decisions as before
                           where before.run_id = messages.run_id
                             and before.row = messages.row and before.event = 'again'
                             and before.evidence like '%"message_id":"' || replace(
                                 replace(cast(:message_id as text), '\', '\\'),
                                 '"', '\"') || '"%' escape '!')));

-- A 202 that broke off had no id.  A message before it, which was called not sent and has
-- not failed, is the one that the row tells of, with the moment at which it was taken.
-- name: prove_id
update messages
set message_id = :message_id,
    accepted_at = case when attempt > 1 and cast(:accepted_at as bigint) < claimed_at - :apart
                       then cast(:accepted_at as bigint) else accepted_at end
where run_id = :run_id and row = :row and message_id is null
  and status in ('accepted', 'delivered', 'failed')
  and (:event <> 'fail' or attempt < 2 or claimed_at is null
       or coalesce(cast(:accepted_at as bigint), claimed_at) >= claimed_at - :apart)
  and not
      exists (select 1 from decisions as before
              where before.run_id = messages.run_id
                and before.row = messages.row and before.event = 'again'
                and before.evidence like '%"message_id":"' || replace(
                    replace(cast(:message_id as text), '\', '\\'),
                    '"', '\"') || '"%' escape '!');

-- Of a run whose plan is gone, the rows that were for a person.
-- name: rows_of_person
select row from messages where run_id = :run_id and person = :person order by row;

-- name: known_rows
select row from messages
where run_id = :run_id and row in (select value from json_each(:rows));

-- Where this journal never saw the row claimed: it may be an old copy.
-- name: prove_unseen
insert into messages (run_id, row, status, attempt, epoch, claimed_at, accepted_at,
                      ended_at, message_id, error_code, error)
select :run_id, :row, t.next, 1, 0, cast(:at as bigint), cast(:accepted_at as bigint),
       cast(:at as bigint),
       cast(:message_id as text), cast(:error_code as text), cast(:error as text)
from transitions t where t.status = 'planned' and t.event = :event
  and not exists (select 1 from messages where run_id = :run_id and row = :row)
on conflict (run_id, row) do nothing;

-- name: disprove
update messages
set status = 'not_sent', ended_at = :at, error_code = :error_code, error = :error
where run_id = :run_id and row = :row and status = 'unknown'
  and :attempt in (0, attempt);

-- A claim that its sender left may have been posted until :longest after it, whenever
-- somebody noticed: only what the next moment needs is claimed.
-- name: unknown
select m.row, coalesce(posted_at, claimed_at),
       case when posted_at is null and ended_at > claimed_at + :longest
            then claimed_at + :longest else ended_at end,
       m.attempt, looks.at
from messages as m left join looks
     on looks.run_id = m.run_id and looks.row = m.row and looks.attempt = m.attempt
where m.run_id = :run_id and status = 'unknown' order by m.row;

-- What proved that a message was not taken may have been wrong, so those compete, too.
-- name: rivals
select m.row, one.person, coalesce(posted_at, claimed_at), coalesce(ended_at, :now)
from messages as m
     join (select run_id, row, person from messages where run_id = :run_id
           union all
           select run_id, row, person from members where run_id = :run_id) as one
     on one.run_id = m.run_id and one.row = m.row
where m.run_id = :run_id
  and (status in ('claimed', 'unknown', 'not_sent')
       or status = 'planned' and attempt > 0 and claimed_at is not null
       or message_id is null and status in ('accepted', 'delivered', 'failed'));

-- name: note_look
insert into looks (run_id, row, attempt, at)
select run_id, row, attempt, :at from messages
where run_id = :run_id and row = :row and status = 'unknown'
  and :attempt in (0, attempt)
on conflict (run_id, row, attempt) do nothing;

-- name: looks_at
select attempt, at from looks where run_id = :run_id and row = :row order by attempt;

-- name: witnesses
select row, message_id from messages
where run_id = :run_id and row between :first and :last and message_id is not null
  and status in ('accepted', 'delivered', 'failed')
  and accepted_at between :since and :until
  and not exists (select 1 from decisions
                  where decisions.run_id = messages.run_id
                    and decisions.row = messages.row
                    and source = 'search' and event <> 'disprove')
order by exists (select 1 from receipts
                 where receipts.message_id = messages.message_id),
         case when status = 'accepted' then 0 else 1 end, abs(row - :row)
limit :most;

-- What a person called accepted, and nothing else: no id, and nothing decided since.
-- name: take_back
update messages
set status = 'not_sent', accepted_at = null, ended_at = :at, error_code = :error_code,
    error = :error
where run_id = :run_id and row = :row and status = 'accepted' and message_id is null
  and exists (select 1 from decisions as d
              where d.run_id = messages.run_id and d.row = messages.row
                and d.event = 'accept' and d.source = 'operator'
                and d.decided_at = (select max(decided_at) from decisions
                                    where run_id = messages.run_id
                                      and row = messages.row));

-- name: decide_back
insert into decisions (run_id, row, decided_at, event, source, evidence)
values (:run_id, :row, :now, 'disprove', 'operator', :evidence)
on conflict (run_id, row, decided_at, event) do nothing;

-- What is called not sent, by a search or by a person, each with the evidence.
-- name: disproved
select m.row, m.attempt, d.decided_at, d.evidence
from messages as m join decisions as d on d.run_id = m.run_id and d.row = m.row
where m.run_id = :run_id and m.status = 'not_sent'
  and d.event = 'disprove' and d.source = :source
  and d.decided_at = (select max(decided_at) from decisions
                      where run_id = m.run_id and row = m.row and event = 'disprove')
order by m.row;

-- What is planned again is a decision, too.
-- name: decide_again
insert into decisions (run_id, row, decided_at, event, source, evidence)
select run_id, row, :now, 'again', 'operator', :evidence from messages
where run_id = :run_id and row = :row and attempt = :attempt and status = 'not_sent'
on conflict (run_id, row, decided_at, event) do nothing;

-- name: resend
update messages set status = 'planned', ended_at = null, error_code = null, error = null
where run_id = :run_id and row = :row and attempt = :attempt and status = 'not_sent';

-- What was posted, and then planned again by a person.
-- name: earlier_tries
select row, evidence from decisions
where run_id = :run_id and event = 'again' and evidence like '%"status":%'
order by row, decided_at;

-- name: decisions_of
select row, decided_at, event, source, evidence from decisions
where run_id = :run_id and row between :first and :last order by row, decided_at, event;

-- What the search may still tell something about: not before, and not over yet.
-- name: first_accepted
select min(accepted_at) from messages
where run_id = :run_id and status = 'accepted' and message_id is not null
  and accepted_at >= :since;

-- name: accepted_before
select count(*) from messages
where run_id = :run_id and status = 'accepted' and message_id is not null
  and accepted_at < :before;

-- By the primary key, from where the last look ended: cheap, however often it is asked.
-- name: waiting_from
select row from messages
where run_id = :run_id and row >= :row and status = 'accepted' and message_id is not null
order by row limit 1;

-- See paces.py.  The rate as it is now: the share there was, and what has come back; less
-- what is kept for urgent runs, where one has asked lately.
-- name: reserve_pace
insert into paces (name, given_to, asked_at)
values (:name, :now + :lead + cast(:segments * 1000000 / :full as integer), :now)
on conflict (name) do update
    set begins = max(paces.given_to, paces.kept_to) - paces.asked_at,
        asked_at = max(paces.asked_at, :now),
        given_to = max(paces.given_to, :now + :lead) + cast(:segments * 1000000 / (
        :full * min(1.0, paces.share
                    + :recovery * max(0, :now - paces.changed_at) / 1000000)
        * case when paces.kept_to + :hold > :now then :rest else 1 end) as integer)
returning given_to, :now, asked_at,
          :full * min(1.0, share + :recovery * max(0, :now - changed_at) / 1000000),
          case when kept_to + :hold > :now then :rest else 1 end,
          begins;

-- What is kept begins where all was given away before anybody asked for it, and a message
-- later: the others have had all of the rate until then, with no room for another line's.
-- name: reserve_kept
insert into paces (name, given_to, kept_to, asked_at)
values (:name, :now,
        :now + :lead + cast(:segments * 1000000 / (:full * :kept) as integer), :now)
on conflict (name) do update
    set begins = max(paces.given_to, paces.kept_to) - paces.asked_at,
        asked_at = max(paces.asked_at, :now),
        kept_to = max(:now + :lead, case when paces.kept_to + :hold > :now then paces.kept_to
                                 else paces.given_to + :apart end)
        + cast(:segments * 1000000 / (:full * :kept * min(1.0, paces.share
               + :recovery * max(0, :now - paces.changed_at) / 1000000)) as integer)
returning kept_to, :now, asked_at,
          :full * min(1.0, share + :recovery * max(0, :now - changed_at) / 1000000),
          :kept, begins;

-- name: lines
select name, given_to from paces where name in (select value from json_each(:names));

-- name: move_lines
insert into paces (name, given_to)
select key, value from json_each(:lines) where true
on conflict (name) do update set given_to = excluded.given_to;

-- name: move_kept
update paces set kept_to = :until where name = :name;

-- name: put_off
update paces
set given_to = max(given_to, :now + :by),
    kept_to = case when kept_to > 0 then max(kept_to, :now + :by) else 0 end
where name = :name or substr(name, 1, length(:name) + 1) = :name || '/';

-- A run that nobody has sent for a while begins its ramp again.
-- name: reserve_ramp
insert into ramps (run_id, began_at, given_to, asked_at)
values (:name, :now, :now + cast(:segments * 1000000 / (:full * :lowest) as integer),
        :now)
on conflict (run_id) do update
    set asked_at = max(ramps.asked_at, :now),
        began_at = case when ramps.given_to + :idle < :now then :now
                        else ramps.began_at end,
        given_to = max(ramps.given_to, :now) + cast(:segments * 1000000 / (
            :full * (:lowest + (1 - :lowest) * min(1.0,
                case when ramps.given_to + :idle < :now then 0
                     else max(0, :now - ramps.began_at) end / :ramp))) as integer)
returning given_to, :now, asked_at,
          :full * (:lowest + (1 - :lowest) * min(1.0, max(0, :now - began_at) / :ramp));

-- name: slow_pace
update paces
set share = max(:slowest,
                min(1.0, share + :recovery * max(0, :now - changed_at) / 1000000) / 2),
    changed_at = :now
where name = :name and abs(:now - changed_at) >= 1000000;

-- By how much a line is ahead of the clock that it was made by, and whether that proves that
-- this was set.  :now was read before the file was locked, so what that may take does not.
-- name: pace_ahead
select asked_at - :now, :now, asked_at > :now + :locked from paces where name = :name;

-- name: set_pace_back
update paces
set given_to = given_to - :ahead, kept_to = kept_to - :ahead,
    changed_at = changed_at - :ahead, asked_at = :now
where name = :name or substr(name, 1, length(:name) + 1) = :name || '/';

-- name: ramp_ahead
select asked_at - :now, :now, asked_at > :now + :locked from ramps where run_id = :name;

-- name: set_ramp_back
update ramps
set began_at = began_at - :ahead, given_to = given_to - :ahead, asked_at = :now
where run_id = :name;

-- What may tell who somebody is, or what was said to them; the ledger's keys stay.
-- name: purge_messages
update messages
set person = null, error = case when error is not null then 'Its words were purged.' end
where run_id = :run_id and row between :first and :last
  and (person is not null or error is not null)
  and exists (select 1 from runs where id = :run_id and finished_at is not null);

-- An operator's reasons may hold anything; what `keep_try` kept has none.
-- name: purge_decisions
update decisions set evidence = '{}'
where run_id = :run_id and row between :first and :last
  and source = 'operator' and evidence <> '{}' and evidence not like '{"attempt":%'
  and exists (select 1 from runs where id = :run_id and finished_at is not null);

-- name: purge_members
delete from members where run_id = :run_id and row between :first and :last
  and exists (select 1 from runs where id = :run_id and finished_at is not null);

-- name: purge_receipts
update receipts set said = null, person = null
where run_id = :run_id and row between :first and :last
  and (said is not null or person is not null)
  and exists (select 1 from runs where id = :run_id and finished_at is not null);

-- Callbacks that no purge of a run reaches: about no row, or come since.
-- name: due_callbacks
select message_id, digest, run_id, row from receipts
where (message_id, digest) >= (:message_id, :digest) and received_at < :before
  and (said is not null or person is not null)
  and (run_id is null or run_id in (select id from runs where purged_at is not null))
order by message_id, digest limit :most;

-- name: count_due_callbacks
select count(*) from receipts
where received_at < :before and (said is not null or person is not null)
  and (run_id is null or run_id in (select id from runs where purged_at is not null));

-- name: purge_callback
update receipts set said = null, person = null
where message_id = :message_id and digest = :digest;

-- What such a callback left in its row.
-- name: purge_row_of_callback
update messages
set person = null, error = case when error is not null then 'Its words were purged.' end
where run_id = :run_id and row = :row and (person is not null or error is not null);

-- name: purge_run
update runs set purged_at = :now
where id = :run_id and finished_at is not null and purged_at is null;

-- name: posted_since
select count(*) from messages
where run_id = :run_id and posted_at >= :since and status <> 'planned';
