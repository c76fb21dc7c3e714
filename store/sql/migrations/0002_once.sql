-- Once in effect: claims, look-ups, people whose id is not known yet, what persons decide, and what is done afterwards.

ALTER TABLE record ADD COLUMN last_sent_at INTEGER;
ALTER TABLE record ADD COLUMN natural_key BLOB CHECK (length(natural_key) = 16);
ALTER TABLE record ADD COLUMN content BLOB NOT NULL DEFAULT x'';
ALTER TABLE record ADD COLUMN deadline_at INTEGER;
ALTER TABLE record ADD COLUMN looked_up_at INTEGER;
ALTER TABLE record ADD COLUMN issues TEXT;
ALTER TABLE record ADD COLUMN override TEXT;
ALTER TABLE record ADD COLUMN revision INTEGER NOT NULL DEFAULT 1 CHECK (revision >= 1);
ALTER TABLE record ADD COLUMN reference TEXT;
ALTER TABLE record ADD COLUMN exported_at INTEGER;
ALTER TABLE record ADD COLUMN swept_at INTEGER;
ALTER TABLE record ADD COLUMN purged_at INTEGER;

DROP INDEX record_head;
CREATE INDEX record_head ON record (route_group, principal, deadline_at, number, due_at) WHERE state IN ('pending', 'unknown') AND behind = 0;
DROP INDEX record_backing_off;
CREATE INDEX record_backing_off ON record (route_group, due_at) WHERE state IN ('pending', 'unknown') AND behind = 0 AND due_at > 0;
CREATE INDEX record_deadline ON record (deadline_at) WHERE deadline_at IS NOT NULL AND settled_at IS NULL;
CREATE INDEX record_delivered ON record (settled_at) WHERE state = 'delivered' AND purged_at IS NULL;

DROP VIEW whole_record;
CREATE VIEW whole_record AS
SELECT r.number, r.id, r.state, r.route, r.route_group, r.recorded_at, r.settled_at, r.due_at, r.attempt, r.failures, r.maybe_applied,
       r.reason, r.principal, COALESCE(q.method, '') AS method, COALESCE(q.target, '') AS target, COALESCE(q.headers, x'') AS headers,
       COALESCE(q.body, x'') AS body, r.last_sent_at, r.natural_key, r.deadline_at, r.looked_up_at, r.issues, r.override, r.revision,
       r.reference, r.exported_at
FROM record r
LEFT JOIN record_request q ON q.number = r.number;

DROP TRIGGER record_is_altered;
CREATE TRIGGER record_is_altered BEFORE UPDATE OF number, id, route, route_group, recorded_at, principal, issues, deadline_at ON record
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

CREATE TRIGGER record_was_purged BEFORE UPDATE OF state ON record
WHEN OLD.purged_at IS NOT NULL AND NEW.state <> OLD.state
BEGIN
    SELECT RAISE(ABORT, 'a record of which nothing is left stays delivered');
END;

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
  OR NOT EXISTS (SELECT 1 FROM record r WHERE r.number = OLD.number AND r.state = 'delivered')
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

CREATE TRIGGER record_revision_is_deleted BEFORE DELETE ON record_revision
BEGIN
    SELECT RAISE(ABORT, 'a record is never deleted');
END;

DROP TRIGGER record_request_is_altered;
CREATE TRIGGER record_request_is_altered BEFORE UPDATE ON record_request
WHEN NEW.number <> OLD.number OR NEW.method <> OLD.method OR NOT EXISTS (
    SELECT 1 FROM record r
    JOIN record_revision v ON v.number = r.number AND v.revision = r.revision
    WHERE r.number = OLD.number AND v.target = OLD.target AND v.headers = OLD.headers AND v.body = OLD.body)
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

CREATE TABLE record_answer (
    number  INTEGER PRIMARY KEY REFERENCES record (number),
    status  INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    headers BLOB    NOT NULL,
    body    BLOB    NOT NULL
) STRICT;

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
