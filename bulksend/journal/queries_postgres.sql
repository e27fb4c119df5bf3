-- Statements that PostgreSQL must have said otherwise; `sql.py` lays them over queries.sql.
--
-- A statement with `unnest` is run once for all records: each field comes as an array.
-- One trip over the network instead of one for each row.  The run's id is an array among
-- them: as a constant beside them it would be looked up alone, and all rows of the run be
-- read, as long as PostgreSQL's statistics do not know how many a new run has.

-- The lease is looked at in the statement that claims, and its row is held for as long:
-- who wants to take it waits for this claim, and then sees it.
-- name: claim_new
with held as materialized (
    select 1 from leases
    where campaign = :campaign and epoch = :epoch and expires >= :now
    for share
)
insert into messages (run_id, row, status, attempt, epoch, once, person, claimed_at)
select :run_id, wanted.row, 'claimed', 1, :epoch, wanted.once, wanted.person, :now
from held, unnest(:row::bigint[], :once::bigint[], :person::bigint[])
         as wanted (row, once, person)
on conflict (run_id, row) do nothing
returning row;

-- name: claim_again
with held as materialized (
    select 1 from leases
    where campaign = :campaign and epoch = :epoch and expires >= :now
    for share
)
update messages
set status = 'claimed', attempt = attempt + 1, epoch = :epoch, once = wanted.once,
    person = wanted.person, claimed_at = :now, posted_at = null, error_code = null,
    error = null
from held, unnest(array_fill(:run_id::bigint, array[cardinality(:row::bigint[])]),
                  :row::bigint[], :once::bigint[], :person::bigint[])
         as wanted (run_id, row, once, person)
where messages.run_id = wanted.run_id and messages.row = wanted.row
  and messages.status = 'planned'
returning messages.row;

-- name: close_unsent
insert into messages (run_id, row, status, epoch, ended_at, error_code, error)
select distinct :run_id::bigint, closed.row, :status, :epoch, :now, :error_code, :error
from unnest(:row::bigint[]) as closed (row)
on conflict (run_id, row) do update
    set status = :status, ended_at = :now, error_code = :error_code, error = :error
    where messages.status = 'planned';

-- name: fall_back
update messages
set status = 'failed', posted_at = (kept.evidence::json ->> 'since')::bigint,
    accepted_at = (kept.evidence::json ->> 'accepted')::bigint,
    ended_at = (kept.evidence::json ->> 'ended')::bigint,
    error_code = coalesce(kept.evidence::json ->> 'code', 'failed'),
    error = 'It failed, and was not sent again: ' || :error::text
from unnest(array_fill(:run_id::bigint, array[cardinality(:row::bigint[])]),
            :row::bigint[]) as closed (run_id, row)
     join decisions as kept on kept.run_id = closed.run_id and kept.row = closed.row
where messages.run_id = closed.run_id and messages.row = closed.row
  and messages.status = 'planned' and kept.event = 'again'
  and kept.decided_at = (
    select max(one.decided_at) from decisions as one
    where one.run_id = closed.run_id and one.row = closed.row and one.event = 'again'
      and one.evidence like '%"status":"failed"%');

-- name: record
update messages
set status = t.next,
    posted_at = coalesce(said.posted_at, messages.posted_at),
    accepted_at = case when said.event = 'accept'
                         and (messages.accepted_at is null or messages.message_id is null
                              or said.message_id is not null)
                       then said.at else messages.accepted_at end,
    ended_at = case when said.event = 'release' then null
                    when messages.status = 'delivered'
                      or messages.status = 'failed' and said.event <> 'deliver'
                    then messages.ended_at else said.at end,
    message_id = coalesce(said.message_id,
                          case when said.event = 'accept' and
                              exists (select 1 from decisions as before
                                      where before.run_id = messages.run_id
                                        and before.row = messages.row and before.event = 'again'
                                        and before.evidence like '%"message_id":"' || replace(
                                            replace(messages.message_id, '\', '\\'),
                                            '"', '\"') || '"%' escape '!')
                          then null else messages.message_id end),
    error_code = case when messages.status = 'delivered'
                        or messages.status = 'failed' and said.event <> 'deliver'
                      then messages.error_code else said.error_code end,
    error = case when messages.status = 'delivered'
                   or messages.status = 'failed' and said.event <> 'deliver'
                 then messages.error else said.error end
from unnest(array_fill(:run_id::bigint, array[cardinality(:row::bigint[])]),
            :row::bigint[], :event::text[], :at::bigint[], :posted_at::bigint[],
            :message_id::text[], :error_code::text[], :error::text[])
         as said (run_id, row, event, at, posted_at, message_id, error_code, error)
     join transitions t on t.event = said.event
where messages.run_id = said.run_id and messages.row = said.row
  and messages.epoch = :epoch and t.status = messages.status;

-- name: hold_leases
lock table leases in share row exclusive mode;

-- name: closed
select string_agg(case when status <> 'planned' then row::text end, e'\n')
from messages where run_id = :run_id and row between :first and :last;

-- name: columns_between
select string_agg(coalesce((posted_at - :since)::text, ''), ','),
       string_agg(coalesce(
           (accepted_at - coalesce(posted_at, :since))::text, ''), ','),
       string_agg(coalesce((ended_at - coalesce(posted_at, :since))::text, ''), ','),
       string_agg(coalesce(message_id, ''), ','),
       string_agg((row - :zero)::text, ',') filter (where :with_rows::bool),
       (json_agg(json_build_array(row, attempt, error_code, error, status))
           filter (where attempt <> 1 or error_code is not null or error is not null
                   or status <> case when ended_at > accepted_at then 'delivered'
                                     else 'accepted' end)
           )::text,
       count(*), coalesce(sum(row), 0)::bigint
from (select * from messages
      where run_id = :run_id and row between :first and :last order by row) as found;

-- name: known_rows
select row from messages
where run_id = :run_id
  and row in (select value::bigint
              from json_array_elements_text(:rows::json) as one (value));

-- name: suppressed_among
select person, sender, reason, source from suppressions
where person in (select value::bigint
                 from json_array_elements_text(:people::json) as one (value))
  and lifted_at is null
order by since;

-- name: texted_among
select person, count(*)
from (select run_id, person, status, posted_at, claimed_at from messages
      where person = any (array(select value::bigint
                                from json_array_elements_text(:people::json) as one (value)))
      union all
      select m.run_id, members.person, status, posted_at, claimed_at
      from members join messages as m on m.run_id = members.run_id and m.row = members.row
      where members.person = any (array(select value::bigint
                                from json_array_elements_text(:people::json) as one (value)))) as texted
where coalesce(posted_at, claimed_at) >= :since
  and status in ('claimed', 'accepted', 'unknown', 'delivered', 'failed')
  and run_id in (select id from runs where provider = :provider
                 and (:purpose = '' or purpose in ('', :purpose)))
group by person;

-- By the server's clock: all its workers have that one.
-- name: reserve_pace
with clock as materialized (
    select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now
)
insert into paces (name, given_to, asked_at)
select :name,
       now + :lead::bigint + (:segments::bigint * 1000000 / :full::float8)::bigint,
       now
from clock
on conflict (name) do update
    set begins = greatest(paces.given_to, paces.kept_to) - paces.asked_at,
        asked_at = greatest(paces.asked_at, (select now from clock)),
        given_to = greatest(paces.given_to, (select now from clock) + :lead::bigint)
        + (:segments::bigint * 1000000 / (:full::float8 * least(1.0, paces.share
               + :recovery::float8
                   * greatest(0, (select now from clock) - paces.changed_at) / 1000000)
           * case when paces.kept_to + :hold::bigint > (select now from clock)
                  then :rest::float8 else 1 end))::bigint
returning given_to, (select now from clock), asked_at,
          :full::float8 * least(1.0, share + :recovery::float8
              * greatest(0, (select now from clock) - changed_at) / 1000000),
          case when kept_to + :hold::bigint > (select now from clock)
               then :rest::float8 else 1 end,
          begins;

-- name: reserve_kept
with clock as materialized (
    select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now
)
insert into paces (name, given_to, kept_to, asked_at)
select :name, now,
       now + :lead::bigint
       + (:segments::bigint * 1000000 / (:full::float8 * :kept::float8))::bigint,
       now
from clock
on conflict (name) do update
    set begins = greatest(paces.given_to, paces.kept_to) - paces.asked_at,
        asked_at = greatest(paces.asked_at, (select now from clock)),
        kept_to = greatest((select now from clock) + :lead::bigint,
            case when paces.kept_to + :hold::bigint > (select now from clock)
                 then paces.kept_to else paces.given_to + :apart::bigint end)
        + (:segments::bigint * 1000000 / (:full::float8 * :kept::float8
           * least(1.0, paces.share + :recovery::float8
               * greatest(0, (select now from clock) - paces.changed_at) / 1000000)))::bigint
returning kept_to, (select now from clock), asked_at,
          :full::float8 * least(1.0, share + :recovery::float8
              * greatest(0, (select now from clock) - changed_at) / 1000000),
          :kept::float8, begins;

-- name: lines
select name, given_to from paces
where name in (select value from json_array_elements_text(:names::json) as one (value));

-- name: move_lines
insert into paces (name, given_to)
select key, value::bigint from json_each_text(:lines::json) as one (key, value)
on conflict (name) do update set given_to = excluded.given_to;

-- The account's line is locked first, as by all others.
-- name: put_off
with held as materialized (select name from paces where name = :name for update),
later as materialized (
    select (extract(epoch from clock_timestamp()) * 1000000)::bigint + :by::bigint as moment
    from held
)
update paces
set given_to = greatest(given_to, later.moment),
    kept_to = case when kept_to > 0 then greatest(kept_to, later.moment) else 0 end
from later
where paces.name = :name or starts_with(paces.name, :name || '/');

-- name: reserve_ramp
with clock as materialized (
    select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now
)
insert into ramps (run_id, began_at, given_to, asked_at)
select :name, now,
       now + (:segments::bigint * 1000000 / (:full::float8 * :lowest::float8))::bigint,
       now
from clock
on conflict (run_id) do update
    set asked_at = greatest(ramps.asked_at, (select now from clock)),
        began_at = case when ramps.given_to + :idle::bigint < (select now from clock)
                        then (select now from clock) else ramps.began_at end,
        given_to = greatest(ramps.given_to, (select now from clock))
        + (:segments::bigint * 1000000 / (:full::float8 * (:lowest::float8
           + (1 - :lowest::float8) * least(1.0,
               case when ramps.given_to + :idle::bigint < (select now from clock) then 0
                    else greatest(0, (select now from clock) - ramps.began_at) end
               / :ramp::float8))))::bigint
returning given_to, (select now from clock), asked_at,
          :full::float8 * (:lowest::float8 + (1 - :lowest::float8)
              * least(1.0, greatest(0, (select now from clock) - began_at) / :ramp::float8));

-- name: slow_pace
with clock as materialized (
    select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now
)
update paces
set share = greatest(:slowest::float8, least(1.0, share
        + :recovery::float8 * greatest(0, clock.now - changed_at) / 1000000) / 2),
    changed_at = clock.now
from clock
where name = :name and abs(clock.now - changed_at) >= 1000000;

-- What was asked for before it was locked was asked for before now.
-- name: pace_ahead
select asked_at - now, now, asked_at > now from (
    select asked_at, (extract(epoch from clock_timestamp()) * 1000000)::bigint as now
    from (select asked_at from paces where name = :name for update) as locked offset 0
) as both_times;

-- name: ramp_ahead
select asked_at - now, now, asked_at > now from (
    select asked_at, (extract(epoch from clock_timestamp()) * 1000000)::bigint as now
    from (select asked_at from ramps where run_id = :name for update) as locked offset 0
) as both_times;

-- name: suppress_numbers
insert into suppressions (person, sender, number, reason, source, since)
select one.person, :sender, one.number, :reason, :source, :since
from unnest(:person::bigint[], :number::bigint[]) as one (person, number)
where not exists (select 1 from suppressions as s
                  where s.person = one.person and s.sender = :sender
                    and s.reason = :reason
                    and (s.lifted_at is null or s.lifted_at >= :since))
on conflict (person, sender, reason, since) do nothing;
