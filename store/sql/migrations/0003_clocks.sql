-- Clocks that are wrong, or are set: how long an outage lasted, and which records were taken under a doubtful clock.

ALTER TABLE record ADD COLUMN clock_doubt TEXT;

DROP VIEW whole_record;
CREATE VIEW whole_record AS
SELECT r.number, r.id, r.state, r.route, r.route_group, r.recorded_at, r.settled_at, r.due_at, r.attempt, r.failures, r.maybe_applied,
       r.reason, r.principal, COALESCE(q.method, '') AS method, COALESCE(q.target, '') AS target, COALESCE(q.headers, x'') AS headers,
       COALESCE(q.body, x'') AS body, r.last_sent_at, r.natural_key, r.deadline_at, r.looked_up_at, r.issues, r.override, r.revision,
       r.reference, r.exported_at, r.clock_doubt
FROM record r
LEFT JOIN record_request q ON q.number = r.number;

DROP TRIGGER record_is_altered;
CREATE TRIGGER record_is_altered
BEFORE UPDATE OF number, id, route, route_group, recorded_at, principal, issues, deadline_at, clock_doubt ON record
BEGIN
    SELECT RAISE(ABORT, 'what was recorded is not altered');
END;

ALTER TABLE outage ADD COLUMN seen_wall_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outage ADD COLUMN seen_boot TEXT NOT NULL DEFAULT '';
ALTER TABLE outage ADD COLUMN seen_boot_s REAL NOT NULL DEFAULT 0;
ALTER TABLE outage ADD COLUMN first_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outage ADD COLUMN last_number INTEGER;
ALTER TABLE outage ADD COLUMN clock_doubtful INTEGER NOT NULL DEFAULT 0 CHECK (clock_doubtful IN (0, 1));
UPDATE outage SET seen_wall_at = seen_at;
UPDATE outage SET last_number = (SELECT COALESCE(MAX(number), 0) FROM record WHERE recorded_at <= ended_at) WHERE ended_at IS NOT NULL;
