-- Every statement the journal runs. Plain SQL: what is not (`json_each`, `unhex`, `instr`, `randomblob`) is to be re-worded for PostgreSQL, the
-- rest runs there.

-- name: is_preceded
-- Does an older open record wait in this lane?
SELECT EXISTS (SELECT 1 FROM record_lane WHERE lane = :lane AND number < :number);

-- name: insert_record
-- Keep a record; its number is what the telephone gets.
INSERT INTO record (number, id, state, route, route_group, lanes, behind, recorded_at, begun_at, attempt, principal,
                    natural_key, content, deadline_at, issues, override, clock_doubt)
VALUES (:number, :id, :state, :route, :route_group, :lanes, :behind, :recorded_at, :begun_at, :attempt, :principal,
        :natural_key, :content, :deadline_at, :issues, :override, :clock_doubt);

-- name: taken
-- Of some hashes, as lists of hexadecimal: the lanes in which somebody waits, the facts and the requests that are claimed.
SELECT unhex(value) FROM json_each(:lanes) WHERE EXISTS (SELECT 1 FROM record_lane WHERE lane = unhex(value))
UNION ALL SELECT unhex(value) FROM json_each(:facts) WHERE EXISTS (SELECT 1 FROM fact_claim WHERE natural_key = unhex(value))
UNION ALL SELECT unhex(value) FROM json_each(:requests) WHERE EXISTS (SELECT 1 FROM request_claim WHERE idempotency_key = unhex(value));

-- name: insert_request
-- Keep the request as it came.
INSERT INTO record_request (number, method, target, headers, body) VALUES (:number, :method, :target, :headers, :body);

-- name: enter_lane
-- Queue a record in one of its lanes.
INSERT INTO record_lane (lane, number) VALUES (:lane, :number);

-- name: leave_lane
-- Take a record out of one of its lanes.
DELETE FROM record_lane WHERE lane = :lane AND number = :number;

-- name: shift_head
-- If the lane's first record is younger than this one, it moves up (-1: this one left) or back (+1: this one returns).
UPDATE record SET behind = behind + :step
WHERE number = (SELECT MIN(number) FROM record_lane WHERE lane = :lane) AND number > :number;

-- name: set_behind
-- In how many of its lanes a record that returns has to wait.
UPDATE record SET behind = :behind WHERE number = :number;

-- name: open_in_lane
-- All who wait in this lane.
SELECT number FROM record_lane WHERE lane = :lane;

-- name: lanes_of
-- A record's lanes, one after another.
SELECT lanes FROM record WHERE number = :number;

-- name: set_lanes
-- A record turned out to be in other lanes.
UPDATE record SET lanes = :lanes WHERE number = :number;

-- name: is_under_way
-- Is a younger record of this lane being sent?
SELECT EXISTS (
    SELECT 1 FROM record_lane l
    JOIN record r ON r.number = l.number
    WHERE l.lane = :lane AND l.number > :number AND r.state = 'sending');

-- name: still_stands
-- Is a record as it was read: what it says, how often it was sent, and whether what was looked up of it counts?
SELECT EXISTS (
    SELECT 1 FROM record
    WHERE number = :number AND state = :state AND attempt = :attempt AND revision = :revision
      AND exported_at IS NOT DISTINCT FROM :exported_at AND looked_up_at IS NOT DISTINCT FROM :looked_up_at);

-- name: revision_of
-- How often a record was edited, from 1.
SELECT revision FROM record WHERE number = :number;

-- name: under_way
-- What is being sent, and in which lanes. (The three states name the index that holds only those.)
SELECT number, lanes FROM record WHERE state IN ('sending', 'unknown', 'held') AND state = 'sending';

-- name: before_in_lane
-- Who waits in this lane although a younger one is further.
SELECT number FROM record_lane WHERE lane = :lane AND number < :number;

-- name: begin_send
-- Claim a record for one send: pending, and the head of all its lanes.
UPDATE record SET state = 'sending', attempt = attempt + 1, begun_at = :now
WHERE number = :number AND state = 'pending' AND behind = 0
RETURNING number;

-- name: change_record
-- Write a verdict, if the record still stands where the verdict was asked for; `late` lets a delivery in from any open state.
UPDATE record
SET state = :state,
    settled_at = CASE WHEN :state IN ('delivered', 'refused', 'discarded') THEN :now END,
    due_at = :due_at,
    failures = failures + :failed,
    last_sent_at = CASE WHEN state = 'sending' THEN :now ELSE last_sent_at END,
    looked_up_at = CASE WHEN :looked_up = 1 THEN :now ELSE looked_up_at END,
    swept_at = CASE WHEN :state = 'delivered' THEN NULL ELSE swept_at END,
    maybe_applied = CASE WHEN :state = 'delivered' OR :cleared = 1 THEN 0 WHEN :state = 'unknown' OR :maybe_applied = 1 THEN 1 ELSE maybe_applied END,
    answer_status = COALESCE(:answer_status, answer_status),
    reason = :reason
WHERE number = :number
  AND ((state = :from_state AND attempt = COALESCE(:attempt, attempt))
       OR (:late = 1 AND state IN ('pending', 'sending', 'unknown', 'held')))
RETURNING lanes, recorded_at;

-- name: postpone
-- Look at a record later.
UPDATE record SET due_at = :due_at WHERE number = :number AND state = :state;

-- name: keep_answer
-- What the server said last.
INSERT INTO record_answer (number, status, reason, headers, body) VALUES (:number, :status, :reason, :headers, :body)
ON CONFLICT (number) DO UPDATE
SET status = excluded.status, reason = excluded.reason, headers = excluded.headers, body = excluded.body;

-- name: answer_of
-- What the server said.
SELECT status, reason, headers, body FROM record_answer WHERE number = :number;

-- name: fact_claims
-- Who claims a fact, the one that has it first; `same`: with this content, in any revision.
SELECT r.number, r.id, r.state, r.issues,
       r.content = :content OR EXISTS (SELECT 1 FROM record_revision v WHERE v.number = r.number AND v.content = :content) AS same
FROM fact_claim c
JOIN record r ON r.number = c.number
WHERE c.natural_key = :natural_key
ORDER BY c.beside;

-- name: claim_fact
-- A record has a fact, or stands beside the one that has.
INSERT INTO fact_claim (natural_key, beside, number) VALUES (:natural_key, :beside, :number);

-- name: unclaim_fact
-- A record turned out to be another fact.
DELETE FROM fact_claim WHERE natural_key = :natural_key AND number = :number;

-- name: set_fact
-- The fact that a record turned out to be.
UPDATE record SET natural_key = :natural_key, content = :content WHERE number = :number;

-- name: request_claim
-- Which record came with this key.
SELECT r.number, r.id, r.state, r.issues, c.fingerprint
FROM request_claim c
JOIN record r ON r.number = c.number
WHERE c.idempotency_key = :idempotency_key;

-- name: claim_request
-- A record came with this key.
INSERT INTO request_claim (idempotency_key, fingerprint, number) VALUES (:idempotency_key, :fingerprint, :number);

-- name: issue_identity
-- A provisional id was given out.
INSERT INTO identity (provisional, number, issued_at) VALUES (:provisional, :number, :now);

-- name: forget_identity
-- Let an id be given out again, to somebody else.
DELETE FROM identity WHERE provisional = :provisional;

-- name: learn_identity
-- Whom it stands for.
UPDATE identity SET real = :real, adopted = :adopted, learnt_at = :now WHERE provisional = :provisional;

-- name: identity
-- What is known of a provisional id.
SELECT provisional, number, real, issued_at, learnt_at, adopted FROM identity WHERE provisional = :provisional;

-- name: taken_identities
-- All ids that may not be given out: their person is not known, or was learnt lately.
SELECT provisional FROM identity WHERE learnt_at IS NULL OR learnt_at > :learnt_after;

-- name: real_of
-- Whom a provisional id stands for.
SELECT real FROM identity WHERE provisional = :provisional;

-- name: hold_double
-- It turned out to be the same fact as another. A send under way may get through all the same.
UPDATE record
SET state = 'held', reason = :reason, maybe_applied = CASE WHEN state = 'sending' THEN 1 ELSE maybe_applied END
WHERE number = :number AND state IN ('pending', 'sending', 'unknown');

-- name: interrupt_sends
-- Nobody knows what became of a send that a stop cut off. (The three states name the index that holds only those.)
UPDATE record SET state = 'unknown', maybe_applied = 1, reason = 'interrupted', due_at = :now, last_sent_at = :now
WHERE state IN ('sending', 'unknown', 'held') AND state = 'sending';

-- name: heads_ahead
-- Heads of their lanes in one group, of one principal (or none), that are due: those with a deadline ahead, the earliest first.
-- A due time beyond the cap of its own wait (`settle`'s for an unknown, the back-off's for the rest) comes from a clock that jumped: due.
SELECT * FROM whole_record
WHERE number IN (
    SELECT number FROM record
    WHERE route_group = :route_group AND principal IS NOT DISTINCT FROM :principal AND state IN ('pending', 'unknown') AND behind = 0
      AND deadline_at > :now AND (due_at <= :now OR due_at > CASE state WHEN 'unknown' THEN :unknown_far ELSE :far END)
    ORDER BY deadline_at, number LIMIT :limit);

-- name: heads_overdue
-- The same, of those whose deadline has passed.
SELECT * FROM whole_record
WHERE number IN (
    SELECT number FROM record
    WHERE route_group = :route_group AND principal IS NOT DISTINCT FROM :principal AND state IN ('pending', 'unknown') AND behind = 0
      AND deadline_at <= :now AND (due_at <= :now OR due_at > CASE state WHEN 'unknown' THEN :unknown_far ELSE :far END)
    ORDER BY deadline_at, number LIMIT :limit);

-- name: heads_undated
-- The same, of those without a deadline, oldest first.
SELECT * FROM whole_record
WHERE number IN (
    SELECT number FROM record
    WHERE route_group = :route_group AND principal IS NOT DISTINCT FROM :principal AND state IN ('pending', 'unknown') AND behind = 0
      AND deadline_at IS NULL AND (due_at <= :now OR due_at > CASE state WHEN 'unknown' THEN :unknown_far ELSE :far END)
    ORDER BY number LIMIT :limit);

-- name: next_due
-- The next time a head of this group becomes due.
SELECT MIN(due_at) FROM record
WHERE route_group = :route_group AND state IN ('pending', 'unknown') AND behind = 0 AND due_at > 0 AND due_at > :now
  AND due_at <= CASE state WHEN 'unknown' THEN :unknown_far ELSE :far END;

-- name: undecided
-- The oldest records that are being sent, or of unknown fate, of those after a number. (The three states name the index of only those.)
SELECT * FROM whole_record
WHERE number IN (
    SELECT number FROM record
    WHERE state IN ('sending', 'unknown', 'held') AND state = :state AND number > :after
    ORDER BY number LIMIT :limit)
ORDER BY number;

-- name: record_by_number
-- One record, as the telephone names it.
SELECT * FROM whole_record WHERE number = :key;

-- name: record_by_id
-- One record, as its address names it.
SELECT * FROM whole_record WHERE id = :key;

-- name: find_records
-- A page of the records that fit, oldest first. Of an outage in which the clock was set, and of a hold, the numbers tell what was made
-- in it.
SELECT * FROM whole_record
WHERE number IN (
    SELECT number FROM record
    WHERE number > :after
      AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
      AND (:routes IS NULL OR route IN (SELECT value FROM json_each(:routes)))
      AND (:lane IS NULL OR instr(lanes, :lane) > 0)
      AND (:since IS NULL OR recorded_at >= :since)
      AND (:outage IS NULL OR EXISTS (
          SELECT 1 FROM outage o
          WHERE o.id = :outage AND o.route_group IN (record.route_group, '*')
            AND CASE WHEN o.clock_doubtful = 1 OR o.kind = 'planned' THEN record.number BETWEEN o.first_number AND COALESCE(o.last_number, record.number)
                ELSE record.recorded_at >= o.started_at AND (o.ended_at IS NULL OR record.recorded_at <= o.ended_at) END))
    ORDER BY number LIMIT :limit)
ORDER BY number;

-- name: latest_recorded
-- When the latest record was made by a clock that nobody doubted.
SELECT recorded_at FROM record WHERE clock_doubt IS NULL ORDER BY number DESC LIMIT 1;

-- name: tally
-- How many records are in each state, by group.
SELECT route_group, state, records FROM record_tally;

-- name: oldest_unsent
-- When the oldest record was made that the server is still to get. One seek into the index for each group.
SELECT MIN((
    SELECT MIN(r.recorded_at) FROM record r
    WHERE r.route_group = g.route_group AND r.state IN ('pending', 'sending', 'unknown')))
FROM (SELECT DISTINCT route_group FROM record_tally) g;

-- name: next_deadline
-- The next deadline of what is not confirmed.
SELECT MIN(deadline_at) FROM record WHERE deadline_at IS NOT NULL AND settled_at IS NULL AND deadline_at > :now;

-- name: past_deadline
-- How much of what is not confirmed should have been.
SELECT COUNT(*) FROM record WHERE deadline_at IS NOT NULL AND settled_at IS NULL AND deadline_at <= :now;

-- name: held_groups
-- What waits for a person, by route and reason, most first. (The three states name the index that holds only those.)
SELECT route, CASE WHEN reason LIKE 'same-fact-as %' THEN 'same-fact-as' ELSE COALESCE(reason, '') END AS why,
       COUNT(*), MIN(recorded_at), COUNT(DISTINCT lanes)
FROM record
WHERE state IN ('sending', 'unknown', 'held') AND state = 'held'
GROUP BY route, why
ORDER BY COUNT(*) DESC, route, why;

-- name: waits_damaged
-- Does a record wait of which damage took a part? (The three states name the index that holds only those.)
SELECT EXISTS (SELECT 1 FROM record WHERE state IN ('sending', 'unknown', 'held') AND state = 'held' AND reason = :reason);

-- name: count_persons
-- How many persons, or groups of persons, some records concern.
SELECT COUNT(DISTINCT lanes) FROM record WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: behind_held
-- Which record waits behind which held one.
SELECT DISTINCT h.number, w.number
FROM record h
JOIN record_lane own ON own.number = h.number
JOIN record_lane w ON w.lane = own.lane AND w.number > h.number
WHERE h.state IN ('sending', 'unknown', 'held') AND h.state = 'held' AND (:number IS NULL OR h.number = :number)
ORDER BY h.number, w.number;

-- name: keep_revision
-- Keep what a record says before it is edited.
INSERT INTO record_revision (number, revision, replaced_at, replaced_by, reason, target, headers, body, content)
SELECT r.number, r.revision, :now, :by, :reason, q.target, q.headers, q.body, r.content
FROM record r
JOIN record_request q ON q.number = r.number
WHERE r.number = :number;

-- name: edit_request
-- What it says from now on.
UPDATE record_request SET target = :target, headers = :headers, body = :body WHERE number = :number;

-- name: edit_record
-- The next revision. What was looked up was another fact.
UPDATE record
SET revision = revision + 1, natural_key = :natural_key, content = :content, failures = 0, looked_up_at = NULL
WHERE number = :number;

-- name: revisions
-- What a record said before each of its edits.
SELECT revision, replaced_at, replaced_by, reason, target, headers, body FROM record_revision WHERE number = :number ORDER BY revision;

-- name: any_request_cut
-- Does a request end in a zero byte? None does that was recorded (store/file/ends.py).
SELECT EXISTS (SELECT 1 FROM record_request WHERE substr(body, -1) = x'00');

-- name: any_revision_cut
-- The same of what one was before an edit.
SELECT EXISTS (SELECT 1 FROM record_revision WHERE substr(body, -1) = x'00');

-- name: set_override
-- Why it is kept although its fact is known.
UPDATE record SET override = :override WHERE number = :number;

-- name: begin_anew
-- Its back-off begins anew; whoever had it in hand may have entered it elsewhere since it was looked up.
UPDATE record SET failures = 0, looked_up_at = NULL WHERE number = :number;

-- name: set_reference
-- By what a person found it at the server.
UPDATE record SET reference = :reference WHERE number = :number;

-- name: last_audit_hash
-- What the next entry is chained to.
SELECT hash FROM audit ORDER BY id DESC LIMIT 1;

-- name: insert_audit
-- A person did something.
INSERT INTO audit (at, done_by, action, number, reason, details, previous, hash)
VALUES (:at, :done_by, :action, :number, :reason, :details, :previous, :hash);

-- name: audit_entries
-- A page of what persons did, oldest first.
SELECT id, at, done_by, action, number, reason, details, previous, hash FROM audit
WHERE id > :after AND (:number IS NULL OR number = :number)
ORDER BY id LIMIT :limit;

-- name: mark_exported
-- Somebody has these on paper.
UPDATE record SET exported_at = :now, looked_up_at = NULL WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: delivered_since
-- A page of the deliveries that were not asked for again. What a person settled is by their word, not by an answer: it may be at the
-- server otherwise than the record says, and is not asked for.
SELECT * FROM whole_record
WHERE number IN (
    SELECT number FROM record
    WHERE state = 'delivered' AND purged_at IS NULL AND settled_at >= :since AND swept_at IS NULL AND reference IS NULL AND +number > :after
    ORDER BY +number LIMIT :limit) -- by when they were settled: of the last day there are few, of all before it a month's
ORDER BY number;

-- name: mark_swept
-- It is there, asked once more.
UPDATE record SET swept_at = :now WHERE number = :number AND state = 'delivered';

-- name: purgeable
-- What was closed before a time and is no longer needed, and how many bytes each takes.
SELECT c.number,
       COALESCE((SELECT LENGTH(q.headers) + LENGTH(q.body) FROM record_request q WHERE q.number = c.number), 0)
       + COALESCE((SELECT LENGTH(a.headers) + LENGTH(a.body) FROM record_answer a WHERE a.number = c.number), 0)
       + COALESCE((SELECT SUM(LENGTH(v.headers) + LENGTH(v.body)) FROM record_revision v WHERE v.number = c.number), 0)
FROM (
    SELECT number FROM record WHERE state = 'delivered' AND purged_at IS NULL AND settled_at < :before
    UNION ALL
    SELECT number FROM record WHERE state IN ('refused', 'discarded') AND purged_at IS NULL AND settled_at < :before
    LIMIT :limit) c;

-- name: mark_purged
-- Of these nothing is left but what they were.
UPDATE record SET purged_at = :now, reference = NULL WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: purge_requests
-- Forget what they said.
DELETE FROM record_request WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: purge_revisions
-- Forget what they said before they were edited.
UPDATE record_revision SET target = '', headers = x'', body = x'' WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: purge_answers
-- Forget what they were answered.
DELETE FROM record_answer WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: count_up
-- Add one to a durable counter.
INSERT INTO counter (name, label, total) VALUES (:name, :label, 1)
ON CONFLICT (name, label) DO UPDATE SET total = counter.total + 1;

-- name: count_next
-- Add one to a durable counter and return it.
INSERT INTO counter (name, label, total) VALUES (:name, :label, 1)
ON CONFLICT (name, label) DO UPDATE SET total = counter.total + 1
RETURNING total;

-- name: counters
-- All durable counters.
SELECT name, label, total FROM counter;

-- name: observe_delay
-- Put one delivery into its bucket.
INSERT INTO delivery_delay (bound_s, records, sum_ms) VALUES (:bound_s, 1, :delay_ms)
ON CONFLICT (bound_s) DO UPDATE SET records = delivery_delay.records + 1, sum_ms = delivery_delay.sum_ms + excluded.sum_ms;

-- name: delays
-- All buckets of the delivery delay.
SELECT bound_s, records, sum_ms FROM delivery_delay;

-- name: count_into_running_outage
-- Records made while their group is out, or slow, or all are on hold, are counted with that.
UPDATE outage SET recorded = recorded + :records WHERE route_group IN (:route_group, '*') AND ended_at IS NULL;

-- name: recorded_since
-- How many records of a group were made from a time up to now; reads back from the newest, so ask for a recent time.
-- What is dated later than now was made before the clock was put back.
SELECT COUNT(*) FROM record
WHERE route_group = :route_group
  AND number > COALESCE((SELECT number FROM record WHERE recorded_at < :since OR recorded_at > :now ORDER BY number DESC LIMIT 1), 0);

-- name: insert_outage
-- An outage has begun.
INSERT INTO outage (route_group, started_at, detected_at, last_bad_at, cause, scope, recorded,
                    seen_at, seen_wall_at, seen_boot, seen_boot_s, clock_doubtful,
                    kind, good_before_at, first_bad_at, last_asked_at, first_error, last_error, calls, slow_calls, first_number)
VALUES (:route_group, :started_at, :detected_at, CASE WHEN :detected_at < :started_at THEN :started_at ELSE :detected_at END,
        :cause, :scope, :recorded, :seen_at, :seen_wall_at, :seen_boot, :seen_boot_s, :clock_doubtful,
        :kind, :good_before_at, :first_bad_at, :last_asked_at, :first_error, :last_error, :calls, :slow_calls,
        1 + COALESCE((SELECT number FROM record WHERE recorded_at < :since OR recorded_at > :seen_wall_at ORDER BY number DESC LIMIT 1), 0))
RETURNING id;

-- name: outage_by_id
-- One outage.
SELECT * FROM outage WHERE id = :id;

-- name: reopen_outage
-- It came back at once: the same outage goes on. What was counted up to its end stays counted.
UPDATE outage
SET last_bad_at = CASE WHEN ended_at > :last_bad_at THEN ended_at ELSE :last_bad_at END,
    ended_at = NULL, last_number = NULL, drained_at = NULL, flaps = flaps + 1, recorded = recorded + :recorded,
    last_asked_at = COALESCE(:last_asked_at, last_asked_at), last_error = CASE :last_error WHEN '' THEN last_error ELSE :last_error END,
    seen_at = :seen_at, seen_wall_at = :seen_wall_at, seen_boot = :seen_boot, seen_boot_s = :seen_boot_s,
    clock_doubtful = clock_doubtful OR :clock_doubtful
WHERE id = :id AND ended_at IS NOT NULL;

-- name: touch_outage
-- It still lasts.
UPDATE outage
SET last_bad_at = CASE WHEN last_bad_at > :last_bad_at THEN last_bad_at ELSE :last_bad_at END,
    last_asked_at = COALESCE(:last_asked_at, last_asked_at), last_error = CASE :last_error WHEN '' THEN last_error ELSE :last_error END,
    seen_at = :seen_at, seen_wall_at = :seen_wall_at, seen_boot = :seen_boot, seen_boot_s = :seen_boot_s,
    clock_doubtful = clock_doubtful OR :clock_doubtful
WHERE id = :id AND ended_at IS NULL;

-- name: end_outage
-- The first good answer of a run that held; never before the last bad one, or the seconds counted would fall.
UPDATE outage
SET ended_at = CASE WHEN last_bad_at > :ended_at THEN last_bad_at ELSE :ended_at END,
    recorded = CASE WHEN recorded > :later THEN recorded - :later ELSE 0 END,
    last_number = (SELECT COALESCE(MAX(number), 0) FROM record),
    seen_at = :seen_at, seen_wall_at = :seen_wall_at, seen_boot = :seen_boot, seen_boot_s = :seen_boot_s,
    clock_doubtful = clock_doubtful OR :clock_doubtful
WHERE id = :id AND ended_at IS NULL;

-- name: place_outage
-- Where it lies, as a check of our own line shows.
UPDATE outage SET scope = :scope WHERE id = :id;

-- name: lengthen_wait
-- A desk waited longer than any before it.
UPDATE outage SET longest_wait_ms = :waited_ms WHERE id = :id AND longest_wait_ms < :waited_ms;

-- name: slow_down
-- A brown-out goes on.
UPDATE outage
SET last_bad_at = CASE WHEN last_bad_at > :last_slow_at THEN last_bad_at ELSE :last_slow_at END,
    last_error = :last_error, calls = :calls, slow_calls = :slow_calls, seen_at = :seen_at, seen_wall_at = :seen_wall_at,
    seen_boot = :seen_boot, seen_boot_s = :seen_boot_s, clock_doubtful = clock_doubtful OR :clock_doubtful
WHERE id = :id AND ended_at IS NULL;

-- name: running_brown_outs
-- What was slow when the process before this one ended, too.
SELECT * FROM outage WHERE kind = 'slow' AND ended_at IS NULL ORDER BY id;

-- name: running_hold
-- The maintenance that is going on.
SELECT * FROM outage WHERE kind = 'planned' AND ended_at IS NULL;

-- name: records_of_outage
-- What was recorded in it, by route: how many (without what was refused or given up), how many are not confirmed yet, since when the server
-- has all of those that it has, how many missed the deadline, how many were refused or given up. Of one in which the clock was set, and of
-- a hold, the numbers tell what was made in it.
SELECT r.route, SUM(r.state NOT IN ('refused', 'discarded')), SUM(r.state NOT IN ('delivered', 'refused', 'discarded')),
       MAX(CASE WHEN r.state = 'delivered' THEN r.settled_at END),
       SUM(r.deadline_at IS NOT NULL AND r.state NOT IN ('refused', 'discarded')
           AND CASE WHEN r.state = 'delivered' THEN r.settled_at ELSE :now END > r.deadline_at),
       SUM(r.state IN ('refused', 'discarded'))
FROM outage o
JOIN record r ON r.number >= o.first_number AND r.number <= COALESCE(o.last_number, r.number)
WHERE o.id = :id AND o.route_group IN (r.route_group, '*')
  AND (o.clock_doubtful = 1 OR o.kind = 'planned'
       OR (r.recorded_at >= o.started_at AND (o.ended_at IS NULL OR r.recorded_at <= o.ended_at)))
GROUP BY r.route ORDER BY r.route;

-- name: insert_outage_note
-- A person knows better.
INSERT INTO outage_note (outage, at, noted_by, reason, cause, scope) VALUES (:outage, :at, :noted_by, :reason, :cause, :scope);

-- name: outage_notes
-- What persons know better of some outages.
SELECT outage, at, noted_by, reason, cause, scope FROM outage_note WHERE outage IN (SELECT value FROM json_each(:outages)) ORDER BY id;

-- name: begin_watch
-- Somebody looks from now on.
INSERT INTO watch (began_at, seen_at, began_by) VALUES (:began_at, :began_at, :began_by) RETURNING id;

-- name: go_on_watching
-- And still does.
UPDATE watch SET seen_at = :seen_at WHERE id = :id AND seen_at < :seen_at;

-- name: watches
-- When somebody looked, of those times that touch a span, as they came: a clock may have been put back.
SELECT * FROM watch WHERE seen_at >= :since AND began_at <= :until ORDER BY id;

-- name: add_unobserved
-- Part of it passed while no sidecar was running.
UPDATE outage
SET unobserved_ms = unobserved_ms + :unobserved_ms,
    seen_at = :seen_at, seen_wall_at = :seen_wall_at, seen_boot = :seen_boot, seen_boot_s = :seen_boot_s,
    clock_doubtful = clock_doubtful OR :clock_doubtful
WHERE id = :id AND ended_at IS NULL;

-- name: mark_drained
-- Everything made before an outage's end was found has gone up or waits for a person. By number: a clock may have been set meanwhile.
UPDATE outage SET drained_at = :now
WHERE route_group = :route_group AND ended_at IS NOT NULL AND drained_at IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM record r
      WHERE r.route_group = :route_group AND r.state IN ('pending', 'sending', 'unknown') AND r.number <= outage.last_number);

-- name: mark_holds_drained
-- The same of holds, which are for all groups. (`+`: else all records ever made would be looked through, not those that are unsent.)
UPDATE outage SET drained_at = :now
WHERE route_group = '*' AND ended_at IS NOT NULL AND drained_at IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM record r WHERE r.state IN ('pending', 'sending', 'unknown') AND +r.number <= outage.last_number);

-- name: undrained
-- The groups (of a hold: `*`) with an outage that is over and has nothing left to send, and is not noted as drained.
SELECT route_group FROM outage
WHERE route_group <> '*' AND ended_at IS NOT NULL AND drained_at IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM record r
      WHERE r.route_group = outage.route_group AND r.state IN ('pending', 'sending', 'unknown') AND r.number <= outage.last_number)
UNION
SELECT route_group FROM outage
WHERE route_group = '*' AND ended_at IS NOT NULL AND drained_at IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM record r WHERE r.state IN ('pending', 'sending', 'unknown') AND +r.number <= outage.last_number);

-- name: running_outages
-- What is out now, oldest first.
SELECT * FROM outage WHERE kind = 'down' AND ended_at IS NULL ORDER BY started_at, id;

-- name: last_outage
-- The latest outage of a group, running or not.
SELECT * FROM outage WHERE route_group = :route_group AND kind = 'down' ORDER BY id DESC LIMIT 1;

-- name: find_outages
-- A page of the outages that fit, oldest first.
SELECT * FROM outage
WHERE id > :after
  AND (:until IS NULL OR started_at < :until)
  AND (:groups IS NULL OR route_group IN (SELECT value FROM json_each(:groups)))
  AND (:since IS NULL OR ended_at IS NULL OR ended_at >= :since)
ORDER BY id LIMIT :limit;

-- name: all_outages
-- For the sums by group.
SELECT * FROM outage WHERE kind = 'down' ORDER BY id;

-- name: insert_hold
-- An operator stops sending.
INSERT INTO operator_hold (until, reason, held_by, held_at) VALUES (:until, :reason, :held_by, :held_at);

-- name: release_hold
-- An operator lets sending go on.
UPDATE operator_hold SET released_by = :released_by, released_at = :released_at WHERE released_at IS NULL;

-- name: hold_in_force
-- The operator's hold, if there is one.
SELECT until, reason, held_by, held_at FROM operator_hold WHERE released_at IS NULL;

-- name: keep_meta
-- Write a value that is made once.
INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING;

-- name: meta
-- A value that was made once.
SELECT value FROM meta WHERE name = :name;

-- name: set_meta
-- Write a value anew.
INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: forget_meta
-- A value that holds no longer.
DELETE FROM meta WHERE name = :name;

-- name: last_number
-- The highest number ever given. (SQLite's own table of AUTOINCREMENT; on PostgreSQL a sequence.)
SELECT seq FROM sqlite_sequence WHERE name = 'record';

-- name: skip_numbers
-- Leave out numbers that the original of a copy may have given. (The table has no unique key that an upsert could go by.)
INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq)
SELECT MAX(rowid), 'record', COALESCE(MAX(seq), 0) + :gap FROM sqlite_sequence WHERE name = 'record';

-- name: skip_count
-- Let a durable counter jump.
INSERT INTO counter (name, label, total) VALUES (:name, :label, :gap)
ON CONFLICT (name, label) DO UPDATE SET total = counter.total + :gap;

-- name: forget_look_ups
-- What was looked up before the copy was put in place says nothing of what its original sent since.
UPDATE record SET looked_up_at = NULL WHERE settled_at IS NULL AND looked_up_at IS NOT NULL;

-- name: tally_by_route
-- How many records of each route are in each state.
SELECT route, state, COUNT(*) FROM record GROUP BY route, state ORDER BY route, state;

-- name: touch
-- Write something, so that the disk shows whether it can be written; random, because a value that is there already writes no page.
INSERT INTO meta (name, value) VALUES ('touched', randomblob(8)) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: hold_told_paper
-- The desk was told to use paper, but the record reached the disk; it is as it was born, so nothing of it was sent. Or it was so until
-- a start, or a rescue that lost commits, made it `unknown`: no send of it began later than itself.
UPDATE record SET state = 'held', reason = 'told-paper'
WHERE id = :id
  AND ((state = 'pending' AND attempt = 0)
       OR (state = 'sending' AND attempt = 1 AND begun_at = recorded_at)
       OR (state = 'unknown' AND reason = 'interrupted' AND attempt = 1 AND (begun_at IS NULL OR begun_at = recorded_at)));

-- name: keep_meta_anew
-- Write a value in place of the one that was.
INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: know_principal
-- Whose credential may send this one's records too.
INSERT INTO principal (principal, same) VALUES (:principal, :same) ON CONFLICT (principal) DO NOTHING;

-- name: stand_ins
-- All principals whose records the credential of another may send.
SELECT principal, same FROM principal;

-- name: accept_credential
-- The server took it.
INSERT INTO accepted_credential (credential, accepted_at, boot_id, boot_s) VALUES (:credential, :accepted_at, :boot_id, :boot_s)
ON CONFLICT (credential) DO UPDATE
SET accepted_at = excluded.accepted_at, boot_id = excluded.boot_id, boot_s = excluded.boot_s, refused_at = NULL;

-- name: forget_credentials
-- Keep those that were accepted, or refused, last.
DELETE FROM accepted_credential
WHERE credential NOT IN (
    SELECT credential FROM accepted_credential ORDER BY COALESCE(refused_at, accepted_at) DESC, credential LIMIT :kept);

-- name: refuse_credential
-- The server refused it; 0: and never took it.
INSERT INTO accepted_credential (credential, accepted_at, boot_id, boot_s, refused_at) VALUES (:credential, 0, '', 0, :now)
ON CONFLICT (credential) DO UPDATE SET refused_at = excluded.refused_at;

-- name: accepted_credentials
-- What the server took or refused, the latest last.
SELECT credential, accepted_at, boot_id, boot_s, refused_at FROM accepted_credential ORDER BY COALESCE(refused_at, accepted_at);

-- name: waiting_for_log_in
-- Heads of lanes that go up with a client's credential, by group and principal.
SELECT route_group, principal, COUNT(*), MIN(recorded_at), MIN(deadline_at)
FROM record
WHERE state IN ('pending', 'unknown') AND behind = 0 AND principal IS NOT NULL
GROUP BY route_group, principal;

-- name: remember
-- Keep an answer in the place of the one before to the same question.
INSERT INTO remembered (question, variant, vary, status, reason, headers, body, size, age_s, fetched_at, fetched_boot, fetched_boot_s,
                        expires_at, used_at)
VALUES (:question, :variant, :vary, :status, :reason, :headers, :body, :size, :age_s, :fetched_at, :fetched_boot, :fetched_boot_s,
        :expires_at, :now)
ON CONFLICT (question, variant) DO UPDATE SET
    vary = excluded.vary, status = excluded.status, reason = excluded.reason, headers = excluded.headers, body = excluded.body,
    size = excluded.size, age_s = excluded.age_s, fetched_at = excluded.fetched_at, fetched_boot = excluded.fetched_boot,
    fetched_boot_s = excluded.fetched_boot_s, expires_at = excluded.expires_at, used_at = excluded.used_at;

-- name: recall
-- The variants of the answer to a question, newest first.
SELECT question, variant, vary, status, reason, headers, body, age_s, fetched_at, fetched_boot, fetched_boot_s, expires_at
FROM remembered WHERE question = :question ORDER BY fetched_at DESC LIMIT :limit;

-- name: kept_answers
-- That there is an answer to a question, and how old it is.
SELECT question, variant, vary, age_s, fetched_at, fetched_boot, fetched_boot_s
FROM remembered WHERE question = :question ORDER BY fetched_at DESC LIMIT :limit;

-- name: mark_used
-- An answer was given: it is among the last to be forgotten.
UPDATE remembered SET used_at = :now WHERE question = :question;

-- name: forget_answer
-- The server has said otherwise since, or another variant takes its place.
DELETE FROM remembered WHERE question = :question;

-- name: forget_expired
-- The oldest answer of those too old to be given to anybody.
DELETE FROM remembered WHERE rowid IN (SELECT rowid FROM remembered WHERE expires_at < :now ORDER BY expires_at LIMIT 1) RETURNING size;

-- name: forget_least_used
-- The answer that was not asked for for the longest time.
DELETE FROM remembered WHERE rowid IN (SELECT rowid FROM remembered ORDER BY used_at LIMIT 1) RETURNING size;

-- name: forget_all_answers
-- A copy of the journal needs none of them, and an operator may want none here.
DELETE FROM remembered;

-- name: remembered_tally
-- How many answers are remembered, and their bytes.
SELECT answers, bytes FROM remembered_tally;

-- name: enter_topic
-- Let a record be found by a question that its content answers.
INSERT INTO record_topic (topic, number) VALUES (:topic, :number) ON CONFLICT DO NOTHING;

-- name: leave_topics
-- A record says nothing any more.
DELETE FROM record_topic WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: on_topic
-- Records that answer a question and are not confirmed, or were so lately that the answer at hand may not show it; oldest first.
SELECT w.* FROM record_topic t
JOIN whole_record w ON w.number = t.number
WHERE t.topic = :topic AND (w.state IN ('pending', 'sending', 'unknown') OR (w.state = 'delivered' AND w.settled_at > :settled_after))
ORDER BY w.number DESC LIMIT :limit;

-- name: provisionals_of
-- The provisional ids that turned out to be this person.
SELECT provisional FROM identity WHERE real = :real;

-- name: some_topics
-- A page of that by which records are found.
SELECT DISTINCT topic FROM record_topic WHERE topic > :after ORDER BY topic LIMIT :limit;

-- name: all_persons
-- Who is known by a provisional id too.
SELECT DISTINCT real FROM identity WHERE real IS NOT NULL;
