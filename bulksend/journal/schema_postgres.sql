-- What PostgreSQL must have said otherwise.  The tables are those of schema.sql, with
-- bigint and identity for SQLite's integers; the triggers have the same names there.

create or replace function only_known_arrows() returns trigger language plpgsql as $$
begin
    if not exists (select 1 from transitions
                   where status = old.status and next = new.status) then
        raise check_violation using message = 'the state table has no such arrow';
    end if;
    return new;
end $$;

create or replace trigger only_known_arrows
before update of status on messages for each row
when (old.status is distinct from new.status)
execute function only_known_arrows();

create or replace function only_known_beginnings() returns trigger language plpgsql as $$
begin
    if not exists (select 1 from transitions
                   where status = 'planned' and next = new.status) then
        raise check_violation using message = 'a message begins as planned';
    end if;
    return new;
end $$;

create or replace trigger only_known_beginnings
before insert on messages for each row
execute function only_known_beginnings();
