-- Status changes, the work that they withdraw, and time in status. Both engines' files have the same names in the same
-- order.

-- name: load_together
-- Current vehicles of one account with one VIN, with the account. It runs once for each vehicle of a batch.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at, account_id
FROM vehicles WHERE account_id = ? AND vin = ? AND slot >= 0 ORDER BY slot;

-- name: save_statuses
-- Empty: this engine has no round trips, so the statements below are as fast as one for a batch.

-- name: update_status
-- A status change of one vehicle.
UPDATE vehicles
SET status = ?, status_since = ?, status_by = ?, status_reason = ?, revision = ?, updated_at = ?
WHERE account_id = ? AND vehicle_id = ?;

-- name: withdraw_work
-- The work of a deactivated vehicle that is open or could still be answered, whoever has claimed it. By default
-- the planner walks all of the account's work.
UPDATE work INDEXED BY work_answerable SET state = 'withdrawn', ended_at = ?
WHERE account_id = ? AND vehicle_id = ? AND state IN ('queued', 'claimed', 'exhausted');

-- name: find_answerable_work
-- A vehicle's account and id if it has such work. To find none takes a third of the time that withdrawing none takes.
SELECT account_id, vehicle_id FROM work INDEXED BY work_answerable
WHERE account_id = ? AND vehicle_id = ? AND state IN ('queued', 'claimed', 'exhausted') LIMIT 1;

-- name: load_numbers
-- An account's last change number, the earliest instant allowed for its next changes, the account, and how often its
-- strict gates were switched.
SELECT last_change, last_at, account_id, strict_gates FROM counters WHERE account_id = ?;

-- name: save_numbers
-- Takes the numbers after that. A RETURNING, as in take_numbers, would take as long as both.
UPDATE counters SET last_change = ?, last_at = ? WHERE account_id = ?;

-- name: sum_statuses
-- The time of vehicles after an id (?6) in each status for each reason, between two instants (?4, ?5). The last changes
-- up to these instants are ?3 and ?2. Numbers decide the order. If a clock went back, a length is zero, never negative.
WITH chosen AS MATERIALIZED (
    SELECT v.vehicle_id, v.vin, v.details ->> 'plate' AS plate, v.details ->> 'customId' AS custom_id
    FROM versions AS v :index
    WHERE v.account_id = ?1 AND v.vehicle_id > ?6 AND v.vehicle_id <= ?2 AND v.began <= ?2
        AND (v.ended IS NULL OR v.ended > ?2 OR NOT EXISTS (
            SELECT 1 FROM versions AS w WHERE w.account_id = ?1 AND w.vehicle_id = v.vehicle_id
                AND w.began > v.began AND w.began <= ?2))
        :where
    ORDER BY v.vehicle_id LIMIT ?7),
steps AS (
    SELECT s.vehicle_id, s.vin, c.number, c.to_status, c.reason,
        max(CASE WHEN c.number <= ?3 THEN ?4 ELSE min(max(c.changed_at, ?4), ?5) END)
            OVER (PARTITION BY s.vehicle_id ORDER BY c.number) AS began_at
    FROM chosen AS s JOIN changes AS c INDEXED BY changes_by_vehicle ON c.account_id = ?1 AND c.vehicle_id = s.vehicle_id AND c.number <= ?2
        AND c.type IN ('registered', 'statusChanged', 'deleted')
        AND c.number >= coalesce((
            SELECT b.number FROM changes AS b INDEXED BY changes_by_vehicle
            WHERE b.account_id = ?1 AND b.vehicle_id = s.vehicle_id AND b.number <= ?3
                AND b.type IN ('registered', 'statusChanged', 'deleted')
            ORDER BY b.number DESC LIMIT 1), 0)),
spans AS (
    SELECT vehicle_id, vin, to_status, reason,
        lead(began_at, 1, ?5) OVER (PARTITION BY vehicle_id ORDER BY number) - began_at AS microseconds
    FROM steps)
SELECT p.vehicle_id, p.vin, p.to_status, p.reason, sum(p.microseconds) AS microseconds, s.plate, s.custom_id
FROM spans AS p JOIN chosen AS s ON s.vehicle_id = p.vehicle_id
GROUP BY p.vehicle_id, p.vin, p.to_status, p.reason, s.plate, s.custom_id ORDER BY p.vehicle_id;

-- name: count_by_status
-- The account's current vehicles by status, all but Active, with their number in all and the account's last change. A
-- former vehicle has the status 0, so only of that status each vehicle is looked at.
SELECT c.last_change, c.vehicle_count, s.status, s.found
FROM counters AS c LEFT JOIN (
    SELECT status, count(*) AS found FROM vehicles INDEXED BY vehicles_by_status
    WHERE account_id = ?1 AND status <> 1 AND status > 2 GROUP BY status
    UNION ALL
    SELECT 0, count(*) FROM vehicles INDEXED BY vehicles_by_status
    WHERE account_id = ?1 AND status <> 1 AND status = 0 AND slot >= 0) AS s ON true
WHERE c.account_id = ?1;

-- name: sum_moves
-- How many changes after a number (?2) up to another (?3) took vehicles from which status to which, on each day (UTC).
SELECT changed_at / 86400000000 AS day, from_status, to_status, count(*)
FROM changes
WHERE account_id = ?1 AND number > ?2 AND number <= ?3 AND type IN ('registered', 'statusChanged', 'deleted')
GROUP BY 1, 2, 3;
