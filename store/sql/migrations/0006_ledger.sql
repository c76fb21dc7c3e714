-- The outage ledger: what a row rests on, brown-outs and planned maintenance beside outages, what persons know better, and who watched.

ALTER TABLE outage ADD COLUMN kind TEXT NOT NULL DEFAULT 'down' CHECK (kind IN ('down', 'slow', 'planned'));
ALTER TABLE outage ADD COLUMN good_before_at INTEGER;
ALTER TABLE outage ADD COLUMN first_bad_at INTEGER;
ALTER TABLE outage ADD COLUMN last_asked_at INTEGER;
ALTER TABLE outage ADD COLUMN first_error TEXT NOT NULL DEFAULT '';
ALTER TABLE outage ADD COLUMN last_error TEXT NOT NULL DEFAULT '';
ALTER TABLE outage ADD COLUMN longest_wait_ms INTEGER NOT NULL DEFAULT 0 CHECK (longest_wait_ms >= 0);
ALTER TABLE outage ADD COLUMN calls INTEGER NOT NULL DEFAULT 0 CHECK (calls >= 0);
ALTER TABLE outage ADD COLUMN slow_calls INTEGER NOT NULL DEFAULT 0 CHECK (slow_calls >= 0);

DROP INDEX outage_running;
CREATE UNIQUE INDEX outage_running ON outage (route_group, kind) WHERE ended_at IS NULL;

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

CREATE TABLE watch (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    began_at INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL CHECK (seen_at >= began_at),
    began_by TEXT    NOT NULL CHECK (began_by IN ('start', 'resume', 'clock'))
) STRICT;

-- A hold in force is a row from now on.
INSERT INTO outage (route_group, started_at, detected_at, last_bad_at, cause, scope, seen_at, seen_wall_at, kind, first_number)
SELECT '*', held_at, held_at, held_at, 'hold', 'upstream', held_at, held_at, 'planned',
       1 + COALESCE((SELECT MAX(number) FROM record WHERE recorded_at < held_at), 0)
FROM operator_hold WHERE released_at IS NULL;
INSERT INTO outage_note (outage, at, noted_by, reason)
SELECT o.id, h.held_at, h.held_by, h.reason FROM outage o, operator_hold h
WHERE o.kind = 'planned' AND h.released_at IS NULL AND h.reason <> '';
