-- The journal: records, lanes, outages, counters. Impossible rows are refused here, whatever the code above does.
-- Times are wall-clock milliseconds UTC in columns named `…_at`; `…_ms` and `…_s` are durations.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Records ------------------------------------------------------------------------------------------------------------------------

CREATE TABLE record_transition (
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    PRIMARY KEY (from_state, to_state)
) STRICT, WITHOUT ROWID;

INSERT INTO record_transition (from_state, to_state) VALUES
    ('pending', 'sending'), ('pending', 'delivered'), ('pending', 'held'), ('pending', 'discarded'),
    ('sending', 'delivered'), ('sending', 'refused'), ('sending', 'pending'), ('sending', 'unknown'), ('sending', 'held'),
    ('unknown', 'delivered'), ('unknown', 'pending'), ('unknown', 'held'),
    ('held', 'pending'), ('held', 'unknown'), ('held', 'delivered'), ('held', 'discarded'),
    ('delivered', 'held');

-- AUTOINCREMENT: `number` is spoken on the telephone and is never given twice.
CREATE TABLE record (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'sending', 'unknown', 'held', 'delivered', 'refused', 'discarded')),
    route         TEXT    NOT NULL,
    route_group   TEXT    NOT NULL,
    lanes         BLOB    NOT NULL CHECK (length(lanes) % 16 = 0),        -- 16-byte hashes, one after another
    behind        INTEGER NOT NULL CHECK (behind >= 0),                   -- in how many of its lanes an older open record precedes it
    recorded_at   INTEGER NOT NULL,
    begun_at      INTEGER,                                                -- when the latest attempt began
    settled_at    INTEGER,                                                -- when it was closed
    due_at        INTEGER NOT NULL DEFAULT 0,                             -- earliest next try
    attempt       INTEGER NOT NULL CHECK (attempt >= 0),
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures BETWEEN 0 AND attempt),
    maybe_applied INTEGER NOT NULL DEFAULT 0 CHECK (maybe_applied IN (0, 1)),
    answer_status INTEGER,
    reason        TEXT,
    principal     BLOB,
    CHECK (state <> 'sending' OR attempt >= 1),
    CHECK (state <> 'unknown' OR (attempt >= 1 AND maybe_applied = 1)),
    CHECK ((state IN ('delivered', 'refused', 'discarded')) = (settled_at IS NOT NULL))
) STRICT;

-- What replay takes next: heads of their lanes, oldest first, of the principals who have a credential.
CREATE INDEX record_head ON record (route_group, principal, number, due_at) WHERE state = 'pending' AND behind = 0;
-- When replay looks again: only records with a back-off of their own are in it.
CREATE INDEX record_backing_off ON record (route_group, due_at) WHERE state = 'pending' AND behind = 0 AND due_at > 0;
-- Is an outage drained, and how old is the oldest?
CREATE INDEX record_unsent ON record (route_group, recorded_at) WHERE state IN ('pending', 'sending', 'unknown');
-- The few that start-up, look-up and people ask for.
CREATE INDEX record_undecided ON record (state, number) WHERE state IN ('sending', 'unknown', 'held');

-- Apart from `record`, so that a change of state rewrites 200 bytes and not the request, and a list need not read the requests.
CREATE TABLE record_request (
    number  INTEGER PRIMARY KEY REFERENCES record (number),
    method  TEXT NOT NULL,
    target  TEXT NOT NULL,
    headers BLOB NOT NULL,
    body    BLOB NOT NULL
) STRICT;

-- Only open records: the first row of a lane is its head.
CREATE TABLE record_lane (
    lane   BLOB    NOT NULL CHECK (length(lane) = 16),
    number INTEGER NOT NULL REFERENCES record (number),
    PRIMARY KEY (lane, number)
) STRICT, WITHOUT ROWID;

-- The columns of store.records.Record, in its order.
CREATE VIEW whole_record AS
SELECT r.number, r.id, r.state, r.route, r.route_group, r.recorded_at, r.settled_at, r.due_at, r.attempt, r.failures, r.maybe_applied,
       r.reason, r.principal, q.method, q.target, q.headers, q.body
FROM record r
JOIN record_request q ON q.number = r.number;

CREATE TRIGGER record_is_born BEFORE INSERT ON record
WHEN NOT ((NEW.state = 'pending' AND NEW.attempt = 0) OR (NEW.state = 'sending' AND NEW.attempt = 1 AND NEW.behind = 0))
BEGIN
    SELECT RAISE(ABORT, 'a record is born pending, or sending at the head of its lanes');
END;

CREATE TRIGGER record_changes_state BEFORE UPDATE OF state ON record
WHEN NEW.state <> OLD.state
 AND NOT EXISTS (SELECT 1 FROM record_transition t WHERE t.from_state = OLD.state AND t.to_state = NEW.state)
BEGIN
    SELECT RAISE(ABORT, 'no such transition of a record');
END;

CREATE TRIGGER record_begins_attempt BEFORE UPDATE OF state, attempt ON record
WHEN NEW.attempt <> OLD.attempt + CASE WHEN NEW.state = 'sending' AND OLD.state <> 'sending' THEN 1 ELSE 0 END
BEGIN
    SELECT RAISE(ABORT, 'an attempt is counted when a send begins, and only then');
END;

CREATE TRIGGER record_overtakes BEFORE UPDATE OF state ON record
WHEN NEW.state = 'sending' AND OLD.state <> 'sending' AND NEW.behind > 0
BEGIN
    SELECT RAISE(ABORT, 'a record is sent only at the head of its lanes');
END;

CREATE TRIGGER record_is_altered BEFORE UPDATE OF number, id, route, route_group, recorded_at, principal ON record
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

CREATE TRIGGER record_is_deleted BEFORE DELETE ON record
BEGIN
    SELECT RAISE(ABORT, 'a record is never deleted');
END;

CREATE TRIGGER record_request_is_altered BEFORE UPDATE ON record_request
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

CREATE TRIGGER record_request_is_deleted BEFORE DELETE ON record_request
WHEN NOT EXISTS (SELECT 1 FROM record r WHERE r.number = OLD.number AND r.state = 'delivered')
BEGIN
    SELECT RAISE(ABORT, 'a request is kept until it is delivered');
END;

-- Numbers that are read at every scrape: kept by the transaction that changes them, never counted over.

CREATE TABLE record_tally (
    route_group TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    records     INTEGER NOT NULL CHECK (records >= 0),
    PRIMARY KEY (route_group, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER record_is_tallied AFTER INSERT ON record
BEGIN
    INSERT INTO record_tally (route_group, state, records) VALUES (NEW.route_group, NEW.state, 1)
    ON CONFLICT (route_group, state) DO UPDATE SET records = record_tally.records + 1;
END;

CREATE TRIGGER record_is_tallied_anew AFTER UPDATE OF state ON record
WHEN NEW.state <> OLD.state
BEGIN
    UPDATE record_tally SET records = records - 1 WHERE route_group = OLD.route_group AND state = OLD.state;
    INSERT INTO record_tally (route_group, state, records) VALUES (NEW.route_group, NEW.state, 1)
    ON CONFLICT (route_group, state) DO UPDATE SET records = record_tally.records + 1;
END;

CREATE TABLE counter (
    name  TEXT    NOT NULL,
    label TEXT    NOT NULL,
    total INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (name, label)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER counter_falls BEFORE UPDATE ON counter
WHEN NEW.total < OLD.total
BEGIN
    SELECT RAISE(ABORT, 'a counter never falls');
END;

CREATE TRIGGER counter_is_deleted BEFORE DELETE ON counter
BEGIN
    SELECT RAISE(ABORT, 'a counter never falls');
END;

-- One row a bucket, not cumulative; the last bucket's bound is infinity.
CREATE TABLE delivery_delay (
    bound_s REAL    PRIMARY KEY,
    records INTEGER NOT NULL CHECK (records >= 0),
    sum_ms  INTEGER NOT NULL CHECK (sum_ms >= 0)
) STRICT, WITHOUT ROWID;

-- Outages and the operator's hold -----------------------------------------------------------------------------------------------

CREATE TABLE outage (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    route_group   TEXT    NOT NULL,
    started_at    INTEGER NOT NULL,
    detected_at   INTEGER NOT NULL,
    last_bad_at   INTEGER NOT NULL CHECK (last_bad_at >= started_at),
    ended_at      INTEGER CHECK (ended_at >= last_bad_at),
    cause         TEXT    NOT NULL,
    scope         TEXT    NOT NULL CHECK (scope IN ('local', 'upstream', 'between')),
    flaps         INTEGER NOT NULL DEFAULT 0 CHECK (flaps >= 0),
    unobserved_ms INTEGER NOT NULL DEFAULT 0 CHECK (unobserved_ms >= 0),
    recorded      INTEGER NOT NULL DEFAULT 0 CHECK (recorded >= 0),
    drained_at    INTEGER,
    seen_at       INTEGER NOT NULL,
    CHECK (drained_at IS NULL OR ended_at IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX outage_running ON outage (route_group) WHERE ended_at IS NULL;
CREATE INDEX outage_of_group ON outage (route_group, id);

CREATE TRIGGER outage_is_deleted BEFORE DELETE ON outage
BEGIN
    SELECT RAISE(ABORT, 'an outage is never deleted');
END;

-- Every hold ever set; the one without `released_at` is in force.
CREATE TABLE operator_hold (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    until       INTEGER,
    reason      TEXT    NOT NULL,
    held_by     TEXT    NOT NULL,
    held_at     INTEGER NOT NULL,
    released_by TEXT,
    released_at INTEGER,
    CHECK ((released_by IS NULL) = (released_at IS NULL))
) STRICT;

CREATE UNIQUE INDEX operator_hold_in_force ON operator_hold ((released_at IS NULL)) WHERE released_at IS NULL;
