-- What is read of a damaged journal around what cannot be read, and what is made anew from it (store/salvage.py).
-- A `traces_of_…` names an index that holds all it asks for, and may be whole where the table is not.

-- name: traces_of_ids
-- Which number has which id.
SELECT number, id FROM record INDEXED BY sqlite_autoindex_record_1;

-- name: traces_of_unsent
-- What is to go up.
SELECT number, route_group, recorded_at FROM record INDEXED BY record_unsent WHERE state IN ('pending', 'sending', 'unknown');

-- name: traces_of_undecided
-- What somebody waits for.
SELECT number, state FROM record INDEXED BY record_undecided WHERE state IN ('sending', 'unknown', 'held');

-- name: traces_of_delivered
-- What the server has.
SELECT number, settled_at FROM record INDEXED BY record_delivered WHERE state = 'delivered' AND purged_at IS NULL;

-- name: insert_stub
-- A row for a record of which the row is lost.
INSERT INTO record (number, id, state, route, route_group, lanes, behind, recorded_at, settled_at, attempt, maybe_applied, reason, natural_key, issues)
VALUES (:number, :id, :state, :route, :route_group, :lanes, 0, :recorded_at, :settled_at, :attempt, :maybe_applied, :reason, :natural_key, :issues);

-- name: numbers
-- All records there are, and when each was recorded.
SELECT number, recorded_at FROM record;

-- name: highest_number
-- The highest number that any row bears.
SELECT MAX(COALESCE((SELECT MAX(number) FROM record), 0), COALESCE((SELECT MAX(number) FROM record_request), 0),
           COALESCE((SELECT MAX(number) FROM fact_claim), 0), COALESCE((SELECT MAX(number) FROM request_claim), 0),
           COALESCE((SELECT MAX(number) FROM record_answer), 0), COALESCE((SELECT MAX(number) FROM record_revision), 0),
           COALESCE((SELECT MAX(number) FROM identity), 0), COALESCE((SELECT MAX(number) FROM audit), 0));

-- name: triggers
-- What the database itself refuses.
SELECT name, sql FROM sqlite_schema WHERE type = 'trigger';

-- name: drop_cut_requests
-- Requests that end in zeros.
DELETE FROM record_request WHERE substr(body, -1) = x'00';

-- name: drop_cut_revisions
-- The same of what was edited.
DELETE FROM record_revision WHERE substr(body, -1) = x'00';

-- name: hold_damaged
-- What was to go up, and of which the request is lost.
UPDATE record
SET state = 'held', reason = :reason, due_at = 0, maybe_applied = CASE WHEN state IN ('sending', 'unknown') THEN 1 ELSE maybe_applied END
WHERE settled_at IS NULL AND NOT EXISTS (SELECT 1 FROM record_request q WHERE q.number = record.number)
RETURNING number;

-- name: purge_damaged
-- What the server has, and of which nothing is left that could be asked for again.
UPDATE record SET purged_at = :now
WHERE state = 'delivered' AND purged_at IS NULL AND NOT EXISTS (SELECT 1 FROM record_request q WHERE q.number = record.number);

-- name: open_lanes
-- The lanes of all that is open, oldest first.
SELECT number, lanes FROM record WHERE settled_at IS NULL ORDER BY number;

-- name: tally_all
-- How many there are of each.
INSERT INTO record_tally (route_group, state, records) SELECT route_group, state, COUNT(*) FROM record GROUP BY route_group, state;

-- name: tally_remembered
-- How many answers are remembered, and their bytes.
UPDATE remembered_tally
SET answers = (SELECT COUNT(*) FROM remembered), bytes = (SELECT COALESCE(SUM(size), 0) FROM remembered);

-- name: unclaimed_facts
-- Who has a fact and does not claim it.
SELECT r.number, r.natural_key FROM record r
WHERE r.natural_key IS NOT NULL AND r.state NOT IN ('refused', 'discarded')
  AND NOT EXISTS (SELECT 1 FROM fact_claim c WHERE c.natural_key = r.natural_key AND c.number = r.number)
ORDER BY r.number;

-- name: issued_again
-- Registrations of which the id is lost: who it stands for is for a person to say.
INSERT OR IGNORE INTO identity (provisional, number, issued_at) SELECT issues, number, recorded_at FROM record WHERE issues IS NOT NULL;

-- name: counted_at_least
-- What a lost counter must have been at least. Where numbers were passed over, as many provisional ids were (`store.copies.GAP`).
INSERT INTO counter (name, label, total)
SELECT 'records_recorded_total', route, COUNT(*) FROM record GROUP BY route
UNION ALL SELECT 'operator_actions_total', action, COUNT(*) FROM audit GROUP BY action
UNION ALL
SELECT 'provisional_ids', '', COUNT(issues) + MAX(0, COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'record'), 0) - COUNT(*))
FROM record WHERE TRUE
ON CONFLICT (name, label) DO UPDATE SET total = MAX(counter.total, excluded.total);

-- name: untally_all
-- They are counted anew.
DELETE FROM record_tally;

-- name: count_up_by
-- Add to a durable counter.
INSERT INTO counter (name, label, total) VALUES (:name, :label, :amount)
ON CONFLICT (name, label) DO UPDATE SET total = counter.total + :amount;

-- name: doubt_sends
-- The heads of lanes that may have been sent by a commit that is lost: looked up before they are sent again, or held.
UPDATE record SET state = 'unknown', attempt = CASE WHEN attempt = 0 THEN 1 ELSE attempt END, maybe_applied = 1, reason = 'interrupted'
WHERE state = 'pending' AND behind = 0;

-- name: doubt_numbers
-- The same, of all that were read from an older version.
UPDATE record SET state = 'unknown', attempt = CASE WHEN attempt = 0 THEN 1 ELSE attempt END, maybe_applied = 1, reason = 'interrupted'
WHERE state = 'pending' AND number NOT IN (SELECT value FROM json_each(:known));

-- name: root_of_meta
-- Where the table begins.
SELECT rootpage FROM sqlite_schema WHERE name = 'meta';

-- name: sequences
-- The highest number given by each table.
SELECT name, seq FROM sqlite_sequence;

-- name: set_sequence
-- The highest number given by a table, also by one that is empty. (The table has no unique key that an upsert could go by.)
INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq)
SELECT MAX(rowid), :name, MAX(:seq, COALESCE(MAX(seq), 0)) FROM sqlite_sequence WHERE name = :name;

-- name: reports
-- What was found damaged, and what became of it.
SELECT value FROM meta WHERE name LIKE 'damage-%' ORDER BY name;

-- name: traces_of_lanes
-- Who waits in which lane.
SELECT number, lane FROM record_lane;

-- name: traces_of_facts
-- Who has which fact.
SELECT number, natural_key FROM fact_claim;

-- name: traces_of_issued
-- Which provisional id was given with which registration.
SELECT number, provisional FROM identity;

-- name: keys_of_meta
-- Without which no record would be known again.
SELECT name, value FROM meta WHERE name IN ('hash_key', 'installation_id');
