BEGIN TRANSACTION;
CREATE TABLE decisions (
    run_id     integer not null references runs (id),
    row        integer not null,
    decided_at integer not null,
    event      text not null,
    source     text not null check (source in ('receipt', 'search', 'operator')),
    evidence   text not null,                   -- JSON, without numbers or texts
    primary key (run_id, row, decided_at, event)
) without rowid;
CREATE TABLE leases (
    campaign text not null,
    shard    integer not null default 0,
    run_id   integer not null default 0,        -- 0: the whole campaign
    epoch    integer not null check (epoch > 0),
    owner    text not null,
    since    integer not null,
    expires  integer not null,
    primary key (campaign, shard),
    unique (campaign, epoch)
) without rowid;
INSERT INTO "leases" VALUES('simulator/hello',0,0,1,'{"host": "vm", "machine": "vm", "pid": 6426, "run": "hello-842d35b1dbb1", "started": 1313211}',1795711072582,0);
CREATE TABLE messages (
    run_id      integer not null references runs (id),
    row         integer not null,
    status      text not null,
    attempt     integer not null default 0 check (attempt >= 0),
    epoch       integer not null,
    -- The ledger's key: what makes two messages the same message (campaign, number,
    -- content), as 64 bits.  No index: random keys in a b-tree cost three times what the
    -- rest of a claim costs.  A run reads its campaign's keys once, when it starts.
    once        integer,
    -- Whom it is for, as 64 bits (records.person_key).  No index, as above.
    person      integer,
    claimed_at  integer,
    posted_at   integer,
    accepted_at integer,
    ended_at    integer,
    message_id  text,
    error_code  text,
    error       text,
    primary key (run_id, row),
    -- Which statuses there are is the triggers' business.  These state what each needs;
    -- the cheap half of each stands first, because a CHECK runs on every write.
    check (claimed_at is not null or status in ('planned', 'excluded', 'expired')),
    check (accepted_at is not null or status <> 'accepted'),
    check (error is not null or status <> 'refused'),
    check (error_code is not null
           or status not in ('excluded', 'expired', 'unknown', 'not_sent'))
) without rowid;
INSERT INTO "messages" VALUES(1,2,'accepted',1,1,7562927110857904914,8546176700293873506,1795711072889,1795711072891,1795711072894,1795711072894,'1795711072893gi9infftc05wzu1x',NULL,NULL);
INSERT INTO "messages" VALUES(1,3,'accepted',1,1,-1257634446252517578,-530983003205211680,1795711072889,1795711072891,1795711072900,1795711072900,'1795711072899mlbw0gvkd0pmgwkx',NULL,NULL);
INSERT INTO "messages" VALUES(1,4,'accepted',1,1,7973389681281487447,4583471550671374605,1795711072889,1795711072892,1795711072901,1795711072901,'17957110729003pn3etq9bf3ropnu',NULL,NULL);
INSERT INTO "messages" VALUES(1,5,'accepted',1,1,-7381403140232390038,642067532053672966,1795711072889,1795711072892,1795711072902,1795711072902,'17957110729018t5ts8mkhacs4ghp',NULL,NULL);
INSERT INTO "messages" VALUES(1,6,'accepted',1,1,-5785694524554916565,-6369576447305327280,1795711072889,1795711072892,1795711072902,1795711072902,'1795711072901a1mfe3i6ay4bklf4',NULL,NULL);
INSERT INTO "messages" VALUES(1,7,'accepted',1,1,-5313112204323373571,-6089297410719493263,1795711072889,1795711072892,1795711072902,1795711072902,'1795711072901ty6q7gg3aja4b766',NULL,NULL);
CREATE TABLE meta (
    name  text primary key,
    value text not null
) without rowid;
INSERT INTO "meta" VALUES('schema','1');
CREATE TABLE orders (
    run_id    integer primary key references runs (id),
    word      text not null check (word in ('pause', 'abort')),
    giver     text not null,
    at        integer not null,
    heeded_at integer                           -- when nothing was under way any more
) without rowid;
CREATE TABLE paces (
    name       text primary key,
    given_to   integer not null,
    share      real not null default 1 check (share > 0 and share <= 1),
    changed_at integer not null default 0
) without rowid;
CREATE TABLE receipts (
    message_id  text not null,                  -- '' where none is said
    digest      integer not null,               -- 64 bits over the whole event
    type        text not null,
    at          integer not null,               -- its own time
    received_at integer not null,
    person      integer,                        -- records.person_key of the number
    error_code  integer,
    carrier     text,
    run_id      integer references runs (id),   -- null: for no row of this journal
    row         integer,
    said        text,                           -- the whole of it, where columns lack some
    primary key (message_id, digest),
    check ((run_id is null) = (row is null))
) without rowid;
CREATE TABLE runs (
    id             integer primary key,
    run            text not null unique,
    campaign       text not null,
    plan           text not null,               -- path of the plan file
    plan_hash      text not null,               -- campaign + data + version
    plan_digest    text not null,               -- the plan file's own bytes
    input_digest   text not null,
    content_digest text not null,
    provider       text not null,
    rows           integer not null check (rows >= 0),
    sendable       integer not null check (sendable between 0 and rows),
    results        text not null default '',
    created_at     integer not null,
    finished_at    integer,
    slot           text not null default '',    -- which send of a recurring campaign
    kind           text not null default 'send' check (kind in ('send', 'test')),
    purged_at      integer,                     -- when its numbers and texts were removed
    check (purged_at is null or finished_at is not null)
);
INSERT INTO "runs" VALUES(1,'hello-842d35b1dbb1','simulator/hello','/home/ana/home/plans/hello-842d35b1dbb1.parquet','842d35b1dbb1c3d76b3ee35fdf9ca29e','a71d6025096dd2084b623c73c9641c1abdfe30cf1a80e3b9814931445777f821','56b5b41e0e0529b27c69921c27a54f05','6752568328f23a6fa91dedea7ec1136f','simulator',6,6,'/home/ana/results/hello.csv',1795711072284,1795711072940,'','send',NULL);
CREATE TABLE suppressions (
    person    integer not null,                 -- records.person_key of the number
    sender    text not null default '',         -- our number it is about; '': all
    number    integer not null,                 -- E.164 without its plus
    reason    text not null,
    source    text not null,                    -- who said so
    since     integer not null,
    lifted_at integer check (lifted_at >= since),
    primary key (person, sender)
) without rowid;
INSERT INTO "suppressions" VALUES(-5242523772253231270,'',19192000099,'suppressed','operator',1795711075904,NULL);
CREATE TABLE transitions (
    status text not null,
    event  text not null,
    next   text not null,
    primary key (status, event)
) without rowid;
INSERT INTO "transitions" VALUES('accepted','accept','accepted');
INSERT INTO "transitions" VALUES('accepted','deliver','delivered');
INSERT INTO "transitions" VALUES('accepted','fail','failed');
INSERT INTO "transitions" VALUES('claimed','accept','accepted');
INSERT INTO "transitions" VALUES('claimed','deliver','delivered');
INSERT INTO "transitions" VALUES('claimed','fail','failed');
INSERT INTO "transitions" VALUES('claimed','lose','unknown');
INSERT INTO "transitions" VALUES('claimed','orphan','unknown');
INSERT INTO "transitions" VALUES('claimed','refuse','refused');
INSERT INTO "transitions" VALUES('claimed','release','planned');
INSERT INTO "transitions" VALUES('delivered','accept','delivered');
INSERT INTO "transitions" VALUES('delivered','deliver','delivered');
INSERT INTO "transitions" VALUES('delivered','fail','delivered');
INSERT INTO "transitions" VALUES('failed','accept','failed');
INSERT INTO "transitions" VALUES('failed','again','planned');
INSERT INTO "transitions" VALUES('failed','deliver','delivered');
INSERT INTO "transitions" VALUES('failed','fail','failed');
INSERT INTO "transitions" VALUES('not_sent','accept','accepted');
INSERT INTO "transitions" VALUES('not_sent','again','planned');
INSERT INTO "transitions" VALUES('not_sent','deliver','delivered');
INSERT INTO "transitions" VALUES('not_sent','fail','failed');
INSERT INTO "transitions" VALUES('planned','accept','accepted');
INSERT INTO "transitions" VALUES('planned','claim','claimed');
INSERT INTO "transitions" VALUES('planned','deliver','delivered');
INSERT INTO "transitions" VALUES('planned','exclude','excluded');
INSERT INTO "transitions" VALUES('planned','expire','expired');
INSERT INTO "transitions" VALUES('planned','fail','failed');
INSERT INTO "transitions" VALUES('refused','again','planned');
INSERT INTO "transitions" VALUES('unknown','accept','accepted');
INSERT INTO "transitions" VALUES('unknown','deliver','delivered');
INSERT INTO "transitions" VALUES('unknown','disprove','not_sent');
INSERT INTO "transitions" VALUES('unknown','fail','failed');
INSERT INTO "transitions" VALUES('unknown','lose','unknown');
INSERT INTO "transitions" VALUES('unknown','refuse','refused');
INSERT INTO "transitions" VALUES('unknown','release','planned');
CREATE INDEX messages_by_id on messages (message_id)
where message_id is not null;
CREATE INDEX opt_outs_by_time on suppressions (since)
where reason = 'opted_out';
CREATE INDEX receipts_by_row on receipts (run_id, row)
where run_id is not null;
CREATE INDEX failures_by_time on receipts (received_at)
where error_code is not null;
CREATE TRIGGER only_known_arrows
before update of status on messages
when old.status <> new.status
 and not exists (select 1 from transitions
                 where status = old.status and next = new.status)
begin
    select raise(abort, 'the state table has no such arrow');
end;
CREATE TRIGGER only_known_beginnings
before insert on messages
when not exists (select 1 from transitions
                 where status = 'planned' and next = new.status)
begin
    select raise(abort, 'a message begins as planned');
end;
COMMIT;
