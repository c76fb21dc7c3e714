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
    last_sent_at  INTEGER,                                                -- when the latest attempt ended, as far as we know
    natural_key   BLOB CHECK (length(natural_key) = 16),                  -- keyed hash: what makes two requests the same fact
    content       BLOB NOT NULL DEFAULT x'',                              -- keyed hash of the fields in which two tellings of it may differ
    deadline_at   INTEGER,                                                -- until when the server takes it
    looked_up_at  INTEGER,                                                -- when a look-up last said that it is not there
    issues        TEXT,                                                   -- the provisional id given with it
    override      TEXT,                                                   -- why it is kept although its fact was known otherwise
    revision      INTEGER NOT NULL DEFAULT 1 CHECK (revision >= 1),
    reference     TEXT,                                                   -- by which a person found it at the server
    exported_at   INTEGER,                                                -- when it was last put into a paper register
    swept_at      INTEGER,                                                -- when it was asked for again after its delivery
    purged_at     INTEGER,
    clock_doubt   TEXT,                                                   -- why recorded_at cannot be believed
    CHECK (state <> 'sending' OR attempt >= 1),
    CHECK (state <> 'unknown' OR (attempt >= 1 AND maybe_applied = 1)),
    CHECK ((state IN ('delivered', 'refused', 'discarded')) = (settled_at IS NOT NULL))
) STRICT;

-- What replay takes next: heads of their lanes by deadline, then oldest first, of the principals who have a credential.
CREATE INDEX record_head ON record (route_group, principal, deadline_at, number, due_at) WHERE state IN ('pending', 'unknown') AND behind = 0;
-- When replay looks again: only records with a back-off of their own are in it.
CREATE INDEX record_backing_off ON record (route_group, due_at) WHERE state IN ('pending', 'unknown') AND behind = 0 AND due_at > 0;
-- Is an outage drained, and how old is the oldest?
CREATE INDEX record_unsent ON record (route_group, recorded_at) WHERE state IN ('pending', 'sending', 'unknown');
-- The few that start-up, look-up and people ask for.
CREATE INDEX record_undecided ON record (state, number) WHERE state IN ('sending', 'unknown', 'held');

-- What the server is to have by when, and the overdue.
CREATE INDEX record_deadline ON record (deadline_at) WHERE deadline_at IS NOT NULL AND settled_at IS NULL;
-- What is asked for again after its delivery, and what is to be purged.
CREATE INDEX record_delivered ON record (settled_at) WHERE state = 'delivered' AND purged_at IS NULL;
CREATE INDEX record_given_up ON record (settled_at) WHERE state IN ('refused', 'discarded') AND purged_at IS NULL;

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
       r.reason, r.principal, COALESCE(q.method, '') AS method, COALESCE(q.target, '') AS target, COALESCE(q.headers, x'') AS headers,
       COALESCE(q.body, x'') AS body, r.last_sent_at, r.natural_key, r.deadline_at, r.looked_up_at, r.issues, r.override, r.revision,
       r.reference, r.exported_at, r.clock_doubt
FROM record r
LEFT JOIN record_request q ON q.number = r.number;

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

CREATE TRIGGER record_is_altered
BEFORE UPDATE OF number, id, route, route_group, recorded_at, principal, issues, deadline_at, clock_doubt ON record
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

CREATE TRIGGER record_was_purged BEFORE UPDATE OF state ON record
WHEN OLD.purged_at IS NOT NULL AND NEW.state <> OLD.state
BEGIN
    SELECT RAISE(ABORT, 'a record of which nothing is left stays delivered');
END;

CREATE TRIGGER record_is_deleted BEFORE DELETE ON record
BEGIN
    SELECT RAISE(ABORT, 'a record is never deleted');
END;

CREATE TRIGGER record_request_is_altered BEFORE UPDATE ON record_request
WHEN NEW.number <> OLD.number OR NEW.method <> OLD.method OR NOT EXISTS (
    SELECT 1 FROM record r
    JOIN record_revision v ON v.number = r.number AND v.revision = r.revision
    WHERE r.number = OLD.number AND v.target = OLD.target AND v.headers = OLD.headers AND v.body = OLD.body)
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

CREATE TRIGGER record_request_is_deleted BEFORE DELETE ON record_request
WHEN NOT EXISTS (SELECT 1 FROM record r WHERE r.number = OLD.number AND r.state IN ('delivered', 'refused', 'discarded'))
BEGIN
    SELECT RAISE(ABORT, 'a request is kept until its record is closed');
END;

-- What a record said before a person edited it; its hash stays when the rest is purged.
CREATE TABLE record_revision (
    number      INTEGER NOT NULL REFERENCES record (number),
    revision    INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    replaced_by TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    headers     BLOB    NOT NULL,
    body        BLOB    NOT NULL,
    content     BLOB    NOT NULL,
    PRIMARY KEY (number, revision)
) STRICT;

CREATE TRIGGER record_revision_is_altered BEFORE UPDATE ON record_revision
WHEN NEW.number <> OLD.number OR NEW.revision <> OLD.revision OR NEW.content <> OLD.content
  OR NEW.replaced_at <> OLD.replaced_at OR NEW.replaced_by <> OLD.replaced_by OR NEW.reason <> OLD.reason
  OR NOT (NEW.target = '' AND NEW.headers = x'' AND NEW.body = x'')
  OR NOT EXISTS (SELECT 1 FROM record r WHERE r.number = OLD.number AND r.state IN ('delivered', 'refused', 'discarded'))
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

CREATE TRIGGER record_revision_is_deleted BEFORE DELETE ON record_revision
BEGIN
    SELECT RAISE(ABORT, 'a record is never deleted');
END;

-- What the server said of it, for whoever asks with the same key again.
CREATE TABLE record_answer (
    number  INTEGER PRIMARY KEY REFERENCES record (number),
    status  INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    headers BLOB    NOT NULL,
    body    BLOB    NOT NULL
) STRICT;

-- Claims: what is one fact, or one request, is one record. Apart from `record`, so that a change of state leaves them alone.

-- `beside`: 0 for the record that has the key; else the record's own number: kept beside that one, by a person's word or held.
CREATE TABLE fact_claim (
    natural_key BLOB    NOT NULL CHECK (length(natural_key) = 16),
    beside      INTEGER NOT NULL CHECK (beside IN (0, number)),
    number      INTEGER NOT NULL REFERENCES record (number),
    PRIMARY KEY (natural_key, beside)
) STRICT, WITHOUT ROWID;

CREATE TABLE request_claim (
    idempotency_key BLOB    PRIMARY KEY CHECK (length(idempotency_key) = 16),
    fingerprint     BLOB    NOT NULL,
    number          INTEGER NOT NULL REFERENCES record (number)
) STRICT, WITHOUT ROWID;

CREATE INDEX request_claim_of ON request_claim (number);

CREATE TRIGGER record_lets_go AFTER UPDATE OF state ON record
WHEN NEW.state IN ('refused', 'discarded') AND NEW.state <> OLD.state
BEGIN
    DELETE FROM fact_claim WHERE natural_key = NEW.natural_key AND number = NEW.number;
    DELETE FROM request_claim WHERE number = NEW.number;
END;

-- Whom a provisional id stands for; `number` is the registration it was issued with.
CREATE TABLE identity (
    provisional TEXT    PRIMARY KEY,
    number      INTEGER NOT NULL UNIQUE REFERENCES record (number),
    real        TEXT,
    issued_at   INTEGER NOT NULL,
    learnt_at   INTEGER,
    adopted     INTEGER NOT NULL DEFAULT 0 CHECK (adopted IN (0, 1)),
    CHECK ((real IS NULL) = (learnt_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER identity_is_altered BEFORE UPDATE ON identity
WHEN OLD.real IS NOT NULL OR NEW.provisional <> OLD.provisional OR NEW.number <> OLD.number OR NEW.issued_at <> OLD.issued_at
BEGIN
    SELECT RAISE(ABORT, 'whom an id stands for is learnt once');
END;

-- A running number comes again when all have been used, once nobody can still come with the old slip.
CREATE TRIGGER identity_is_deleted BEFORE DELETE ON identity
WHEN OLD.real IS NULL
BEGIN
    SELECT RAISE(ABORT, 'an id that waits for its person is not forgotten');
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

-- Credentials: keyed hashes of who they stand for, never one itself ----------------------------------------------------------------

-- The principals of records that another's credential may send: one for which `same` is equal.
CREATE TABLE principal (
    principal BLOB PRIMARY KEY CHECK (length(principal) = 16),
    same      BLOB NOT NULL CHECK (length(same) = 16)
) STRICT, WITHOUT ROWID;

CREATE INDEX principal_same ON principal (same);

-- When the server last accepted a credential: by the wall clock, and by the boot's own, which nobody can set.
CREATE TABLE accepted_credential (
    credential  BLOB    PRIMARY KEY CHECK (length(credential) = 16),
    accepted_at INTEGER NOT NULL,
    boot_id     TEXT    NOT NULL,
    boot_s      REAL    NOT NULL,
    refused_at  INTEGER                                                   -- when it was refused since
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
    seen_at       INTEGER NOT NULL,                                       -- in the row's own time, as all before
    seen_wall_at  INTEGER NOT NULL DEFAULT 0,                             -- the same moment by the wall clock as it stood then
    seen_boot     TEXT    NOT NULL DEFAULT '',
    seen_boot_s   REAL    NOT NULL DEFAULT 0,
    first_number  INTEGER NOT NULL DEFAULT 0,                             -- the first record that can have been made in it
    last_number   INTEGER,                                                -- the last record when its end was found
    clock_doubtful INTEGER NOT NULL DEFAULT 0 CHECK (clock_doubtful IN (0, 1)),
    kind           TEXT    NOT NULL DEFAULT 'down' CHECK (kind IN ('down', 'slow', 'planned')),
    good_before_at INTEGER,                                               -- it began after this, the last good answer,
    first_bad_at   INTEGER,                                               -- and by then, when its first failure was known
    last_asked_at  INTEGER,                                               -- it ended after the last question that failed was asked
    first_error    TEXT    NOT NULL DEFAULT '',
    last_error     TEXT    NOT NULL DEFAULT '',
    longest_wait_ms INTEGER NOT NULL DEFAULT 0 CHECK (longest_wait_ms >= 0), -- of a desk
    calls          INTEGER NOT NULL DEFAULT 0 CHECK (calls >= 0),         -- of a brown-out: how many there were,
    slow_calls     INTEGER NOT NULL DEFAULT 0 CHECK (slow_calls >= 0),    -- and how many of them were answered late
    CHECK (drained_at IS NULL OR ended_at IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX outage_running ON outage (route_group, kind) WHERE ended_at IS NULL;
CREATE INDEX outage_of_group ON outage (route_group, id);

CREATE TRIGGER outage_is_deleted BEFORE DELETE ON outage
BEGIN
    SELECT RAISE(ABORT, 'an outage is never deleted');
END;

-- What a person knows better of an outage. It outlives the row, should damage take that.
CREATE TABLE outage_note (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    outage   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    noted_by TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    cause    TEXT,
    scope    TEXT    CHECK (scope IN ('local', 'upstream', 'between'))
) STRICT;

CREATE INDEX outage_note_of ON outage_note (outage, id);

CREATE TRIGGER outage_note_is_altered BEFORE UPDATE ON outage_note
BEGIN
    SELECT RAISE(ABORT, 'a note is only added');
END;

CREATE TRIGGER outage_note_is_deleted BEFORE DELETE ON outage_note
BEGIN
    SELECT RAISE(ABORT, 'a note is only added');
END;

-- When a sidecar was running and looked; between two of them nobody did, unless the clock was set.
CREATE TABLE watch (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    began_at INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL CHECK (seen_at >= began_at),
    began_by TEXT    NOT NULL CHECK (began_by IN ('start', 'resume', 'clock'))
) STRICT;

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

-- What persons did: a chain, each entry with the hash of the one before.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    done_by  TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    number   INTEGER REFERENCES record (number),
    reason   TEXT    NOT NULL,
    details  TEXT    NOT NULL,
    previous BLOB    NOT NULL,
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX audit_of ON audit (number, id);

CREATE TRIGGER audit_is_chained BEFORE INSERT ON audit
WHEN NEW.previous <> COALESCE((SELECT a.hash FROM audit a ORDER BY a.id DESC LIMIT 1), x'')
BEGIN
    SELECT RAISE(ABORT, 'the audit is one chain');
END;

CREATE TRIGGER audit_is_altered BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to');
END;

CREATE TRIGGER audit_is_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to');
END;

-- What is read: answers of the upstream, given in an outage. Expendable: forgotten before a record finds no room.

-- `question` is the keyed hash of what was asked and of who may have the answer; `variant` of the request fields that `vary` names.
-- `age_s` is how old it was when it came; it came at `fetched_at`, `fetched_boot_s` by the clock of the boot called `fetched_boot`.
CREATE TABLE remembered (
    question       BLOB    NOT NULL CHECK (length(question) = 16),
    variant        BLOB    NOT NULL CHECK (length(variant) = 16),
    vary           TEXT    NOT NULL,
    status         INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    headers        BLOB    NOT NULL,
    body           BLOB    NOT NULL,
    size           INTEGER NOT NULL CHECK (size > 0),
    age_s          REAL    NOT NULL CHECK (age_s >= 0),
    fetched_at     INTEGER NOT NULL,
    fetched_boot   TEXT    NOT NULL,
    fetched_boot_s REAL    NOT NULL,
    expires_at     INTEGER NOT NULL,
    used_at        INTEGER NOT NULL,
    PRIMARY KEY (question, variant)
) STRICT;

-- What is forgotten first when there are too many bytes of them, and what is too old to be given.
CREATE INDEX remembered_used ON remembered (used_at);
CREATE INDEX remembered_expiring ON remembered (expires_at);

-- One row: how much is remembered, never counted over.
CREATE TABLE remembered_tally (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    answers INTEGER NOT NULL CHECK (answers >= 0),
    bytes   INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

INSERT INTO remembered_tally (one, answers, bytes) VALUES (1, 0, 0);

CREATE TRIGGER remembered_is_tallied AFTER INSERT ON remembered
BEGIN
    UPDATE remembered_tally SET answers = answers + 1, bytes = bytes + NEW.size;
END;

CREATE TRIGGER remembered_is_tallied_anew AFTER UPDATE OF size ON remembered
BEGIN
    UPDATE remembered_tally SET bytes = bytes - OLD.size + NEW.size;
END;

CREATE TRIGGER remembered_is_forgotten AFTER DELETE ON remembered
BEGIN
    UPDATE remembered_tally SET answers = answers - 1, bytes = bytes - OLD.size;
END;

-- Which questions a record's content is an answer to: it is laid over the answers to them until the server shows it.
CREATE TABLE record_topic (
    topic  BLOB    NOT NULL CHECK (length(topic) = 16),
    number INTEGER NOT NULL REFERENCES record (number),
    PRIMARY KEY (topic, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX record_topic_of ON record_topic (number);

CREATE INDEX identity_of_person ON identity (real) WHERE real IS NOT NULL;
