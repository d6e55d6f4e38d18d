-- The statements of operations. Both engines' files have the same names in the same order.
-- Each names one account. The order of locks is run, vehicles, counter, work. Claims skip locked rows.

-- name: lock_declarer
-- The lock to declare an operation or start a run, so that two concurrent transactions cannot pass the limit together.
-- It is a transaction's first lock.
SELECT account_id FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE;

-- name: list_operations
-- All operations of the account.
SELECT name, description, lease_s, attempts_max, created_at, updated_at
FROM operations WHERE account_id = $1 ORDER BY name;

-- name: find_operation
-- The operation with a name.
SELECT name, description, lease_s, attempts_max, created_at, updated_at
FROM operations WHERE account_id = $1 AND name = $2;

-- name: save_operation
-- A new operation, or new values of a stored one.
INSERT INTO operations (account_id, name, description, lease_s, attempts_max, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id, name) DO UPDATE SET description = excluded.description, lease_s = excluded.lease_s,
    attempts_max = excluded.attempts_max, updated_at = excluded.updated_at;

-- name: list_filling_runs
-- The runs by filter that do not have all of their vehicles yet, the oldest first.
SELECT run_id, operation, question, is_queueing, position, position_max, queued_count, refused_count, created_at,
    created_by, moved_at, cancelled_at, cancelled_by
FROM runs WHERE account_id = $1 AND is_queueing = 1 AND question ->> 0 IS NULL ORDER BY run_id LIMIT $2;

-- name: insert_run
-- A new run, unless its id is taken.
INSERT INTO runs (account_id, run_id, operation, question, is_queueing, position, position_max, queued_count,
    refused_count, created_at, created_by, moved_at, cancelled_at, cancelled_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (account_id, run_id) DO NOTHING RETURNING run_id;

-- name: lock_run
-- A run, locked to add vehicles to it.
SELECT run_id, operation, question, is_queueing, position, position_max, queued_count, refused_count, created_at,
    created_by, moved_at, cancelled_at, cancelled_by
FROM runs WHERE account_id = $1 AND run_id = $2 FOR UPDATE;

-- name: hold_vehicles
-- Current vehicles with some VINs; no other transaction can change them before this one ends. After
-- a wait PostgreSQL reads the vehicle's row again.
SELECT h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at
FROM identities AS i JOIN vehicles AS h USING (account_id, vehicle_id)
WHERE i.account_id = $1 AND i.vin = ANY($2::text[]) AND i.slot >= 0 AND h.vin = i.vin AND h.slot >= 0
ORDER BY h.vehicle_id FOR SHARE OF h;

-- name: insert_work
-- Work for vehicles that have no work in this run yet.
INSERT INTO work (account_id, run_id, vehicle_id, operation, state, attempts)
SELECT $1, $2, vehicle_id, $3, 'queued', 0 FROM unnest($4::bigint[]) AS v (vehicle_id)
ON CONFLICT (account_id, run_id, vehicle_id) DO NOTHING RETURNING vehicle_id;

-- name: update_run
-- A run's progress.
UPDATE runs SET is_queueing = $3, position = $4, queued_count = $5, refused_count = $6, moved_at = $7
WHERE account_id = $1 AND run_id = $2;

-- name: insert_run_refusal
-- A vehicle that a run leaves out.
INSERT INTO refusals (account_id, run_id, place, vin, reason, status, since) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: lock_expired
-- Claimed work whose lease has expired. Locked work is being answered or withdrawn, so the statement skips it.
SELECT w.run_id, w.vehicle_id, h.vin, w.operation, w.state, w.attempts, w.lease_until, w.claimed_by, w.ended_at
FROM work AS w JOIN vehicles AS h ON h.account_id = w.account_id AND h.vehicle_id = w.vehicle_id
WHERE w.account_id = $1 AND w.operation = $2 AND w.state = 'claimed' AND w.lease_until <= $3
    AND h.status = ANY($5::integer[])
ORDER BY w.lease_until LIMIT $4 FOR UPDATE OF w SKIP LOCKED;

-- name: lock_queued
-- Queued work of operational vehicles ($4), the oldest run's first. The statement skips locked work, which is being
-- claimed or withdrawn. PostgreSQL checks a row again that was withdrawn since the statement began, and skips it.
SELECT w.run_id, w.vehicle_id, h.vin, w.operation, w.state, w.attempts, w.lease_until, w.claimed_by, w.ended_at
FROM work AS w JOIN vehicles AS h ON h.account_id = w.account_id AND h.vehicle_id = w.vehicle_id
WHERE w.account_id = $1 AND w.operation = $2 AND w.state = 'queued' AND h.status = ANY($4::integer[])
ORDER BY w.run_id, w.vehicle_id LIMIT $3 FOR UPDATE OF w SKIP LOCKED;

-- name: lock_work
-- The work of some claims, locked by vehicle and run.
SELECT w.run_id, w.vehicle_id, h.vin, w.operation, w.state, w.attempts, w.lease_until, w.claimed_by, w.ended_at
FROM unnest($2::bigint[], $3::bigint[]) AS k (run_id, vehicle_id)
JOIN work AS w ON w.account_id = $1 AND w.run_id = k.run_id AND w.vehicle_id = k.vehicle_id
JOIN vehicles AS h ON h.account_id = w.account_id AND h.vehicle_id = w.vehicle_id
ORDER BY w.vehicle_id, w.run_id FOR UPDATE OF w;

-- name: load_results
-- The results of some claims.
SELECT r.run_id, r.vehicle_id, r.attempt, r.outcome, r.result, r.given_at, r.given_by
FROM unnest($2::bigint[], $3::bigint[], $4::integer[]) AS k (run_id, vehicle_id, attempt)
JOIN results AS r ON r.account_id = $1 AND r.run_id = k.run_id AND r.vehicle_id = k.vehicle_id
    AND r.attempt = k.attempt;

-- name: update_work
-- Writes locked work after a change.
UPDATE work AS w
SET state = s.state, attempts = s.attempts, lease_until = s.lease_until, claimed_by = s.claimed_by,
    ended_at = s.ended_at
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::integer[], $6::timestamptz[], $7::text[],
    $8::timestamptz[]) AS s (run_id, vehicle_id, state, attempts, lease_until, claimed_by, ended_at)
WHERE w.account_id = $1 AND w.run_id = s.run_id AND w.vehicle_id = s.vehicle_id;

-- name: insert_result
-- A worker's answer.
INSERT INTO results (account_id, run_id, vehicle_id, attempt, outcome, result, given_at, given_by)
SELECT $1, s.* FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::text[], $6::text[], $7::timestamptz[],
    $8::text[]) AS s;

-- name: find_run
-- One run of an operation.
SELECT run_id, operation, question, is_queueing, position, position_max, queued_count, refused_count, created_at,
    created_by, moved_at, cancelled_at, cancelled_by
FROM runs WHERE account_id = $1 AND operation = $2 AND run_id = $3;

-- name: list_stalled_runs
-- Incomplete runs of an operation to which no server adds vehicles any more.
SELECT run_id, operation, question, is_queueing, position, position_max, queued_count, refused_count, created_at,
    created_by, moved_at, cancelled_at, cancelled_by
FROM runs WHERE account_id = $1 AND operation = $2 AND is_queueing = 1 AND moved_at < $3 ORDER BY run_id;

-- name: count_work
-- A run's work by state. Work with an expired lease counts as queued or, without attempts left ($4), as exhausted.
SELECT CASE WHEN state <> 'claimed' OR lease_until > $3 THEN state
    WHEN attempts < $4 THEN 'queued' ELSE 'exhausted' END AS stands, count(*)
FROM work WHERE account_id = $1 AND run_id = $2 GROUP BY 1;

-- name: count_queued_runs
-- How many vehicles are in the runs that have queued work. The index is read once for each of these runs.
WITH RECURSIVE open_runs (operation, run_id) AS (
    SELECT o.name, (SELECT min(w.run_id) FROM work AS w
        WHERE w.account_id = $1 AND w.operation = o.name AND w.state = 'queued')
    FROM operations AS o WHERE o.account_id = $1
    UNION ALL
    SELECT open_runs.operation, (SELECT min(w.run_id) FROM work AS w
        WHERE w.account_id = $1 AND w.operation = open_runs.operation AND w.state = 'queued' AND w.run_id > open_runs.run_id)
    FROM open_runs WHERE open_runs.run_id IS NOT NULL
)
SELECT coalesce(sum(r.queued_count), 0)::bigint
FROM open_runs JOIN runs AS r ON r.account_id = $1 AND r.run_id = open_runs.run_id;

-- name: list_run_refusals
-- The kept refusals of a run.
SELECT vin, reason, status, since FROM refusals WHERE account_id = $1 AND run_id = $2 ORDER BY place;

-- name: has_work
-- Whether an operation has work to claim. The order makes the planner use the indexes, whatever its statistics say.
SELECT (SELECT run_id FROM work WHERE account_id = $1 AND operation = $2 AND state = 'queued'
        ORDER BY run_id, vehicle_id LIMIT 1) IS NOT NULL
    OR (SELECT run_id FROM work WHERE account_id = $1 AND operation = $2 AND state = 'claimed' AND lease_until <= $3
        ORDER BY lease_until LIMIT 1) IS NOT NULL;

-- name: list_run_results
-- A run's results, by vehicle and attempt.
SELECT r.run_id, r.vehicle_id, r.attempt, r.outcome, r.result, r.given_at, r.given_by, u.operation, h.vin
FROM results AS r JOIN runs AS u ON u.account_id = r.account_id AND u.run_id = r.run_id
JOIN vehicles AS h ON h.account_id = r.account_id AND h.vehicle_id = r.vehicle_id
WHERE r.account_id = $1 AND r.run_id = $2 AND (r.vehicle_id, r.attempt) > ($3, $4)
ORDER BY r.vehicle_id, r.attempt LIMIT $5;

-- name: list_vehicle_results
-- A vehicle's results, newest first.
SELECT r.run_id, r.vehicle_id, r.attempt, r.outcome, r.result, r.given_at, r.given_by, u.operation, h.vin
FROM results AS r JOIN runs AS u ON u.account_id = r.account_id AND u.run_id = r.run_id
JOIN vehicles AS h ON h.account_id = r.account_id AND h.vehicle_id = r.vehicle_id
WHERE r.account_id = $1 AND r.vehicle_id = $2 AND (r.given_at, r.run_id, r.attempt) < ($3, $4, $5)
ORDER BY r.given_at DESC, r.run_id DESC, r.attempt DESC LIMIT $6;

-- name: list_open_work
-- The queued and claimed work of a vehicle, the oldest run's first. The longer list is the condition of the index.
SELECT w.run_id, w.vehicle_id, h.vin, w.operation, w.state, w.attempts, w.lease_until, w.claimed_by, w.ended_at
FROM work AS w JOIN vehicles AS h ON h.account_id = w.account_id AND h.vehicle_id = w.vehicle_id
WHERE w.account_id = $1 AND w.vehicle_id = $2 AND w.state IN ('queued', 'claimed', 'exhausted') AND w.state <> 'exhausted'
ORDER BY w.run_id LIMIT $3;

-- name: list_runs
-- The runs of an operation before a run, newest first.
SELECT run_id, operation, question, is_queueing, position, position_max, queued_count, refused_count, created_at,
    created_by, moved_at, cancelled_at, cancelled_by
FROM runs WHERE account_id = $1 AND operation = $2 AND run_id < $3 ORDER BY run_id DESC LIMIT $4;

-- name: cancel_run
-- Ends the queueing of a run and notes who cancelled it. The first time counts.
UPDATE runs SET is_queueing = 0, cancelled_at = coalesce(cancelled_at, $3), cancelled_by = coalesce(cancelled_by, $4)
WHERE account_id = $1 AND run_id = $2;

-- name: find_work_portion
-- Where the next portion of a run's work ends: the vehicle's id, or NULL after the last one.
SELECT max(vehicle_id) FROM (
    SELECT vehicle_id FROM work WHERE account_id = $1 AND run_id = $2 AND vehicle_id > $3
    ORDER BY vehicle_id LIMIT $4) AS portion;

-- name: cancel_work
-- Cancels the work of a portion that still awaits an answer.
UPDATE work SET state = 'cancelled', ended_at = $5
WHERE account_id = $1 AND run_id = $2 AND vehicle_id > $3 AND vehicle_id <= $4
    AND state IN ('queued', 'claimed', 'exhausted');

-- name: find_cancelled_runs
-- Those of some runs that were cancelled.
SELECT run_id FROM runs WHERE account_id = $1 AND run_id = ANY ($2::bigint[]) AND cancelled_at IS NOT NULL;

-- name: find_open_run
-- A run of an operation that is queued to or has open work: its id, or NULL.
SELECT coalesce(
    (SELECT run_id FROM runs WHERE account_id = $1 AND operation = $2 AND is_queueing = 1 ORDER BY run_id LIMIT 1),
    (SELECT run_id FROM work WHERE account_id = $1 AND operation = $2 AND state = 'queued'
        ORDER BY run_id, vehicle_id LIMIT 1),
    (SELECT run_id FROM work WHERE account_id = $1 AND operation = $2 AND state = 'claimed'
        ORDER BY lease_until LIMIT 1));

-- name: hold_operation
-- The lock to start a run of an operation, which keeps the operation from being deleted meanwhile.
SELECT name FROM operations WHERE account_id = $1 AND name = $2 FOR KEY SHARE;

-- name: delete_operation
-- Deletes the declaration of an operation.
DELETE FROM operations WHERE account_id = $1 AND name = $2 RETURNING name;
