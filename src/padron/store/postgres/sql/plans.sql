-- Planned changes. Both engines' files have the same names in the same order. Each statement names one account, except
-- the last two, with which a server finds due plans. The order of locks is: due plans with SKIP LOCKED, so that the
-- servers share them, then vehicles by id, counter, work. A transaction that already holds a vehicle waits for no
-- plan: it adds plans, and takes returns with SKIP LOCKED. Cancelling locks only plans.

-- name: add_plans
-- New plans, in one statement.
INSERT INTO planned_changes (account_id, plan_id, vehicle_id, vin, kind, status, reason, effective_at, until,
    reverts, follows, state, created_at, created_by, request_id, ended_at, ended_by, ended_request_id, detail,
    number)
SELECT $1::bigint, new.* FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::timestamptz[],
    $9::timestamptz[], $10::bigint[], $11::text[], $12::text[], $13::timestamptz[], $14::text[], $15::text[],
    $16::timestamptz[], $17::text[], $18::text[], $19::text[], $20::bigint[]) AS new;

-- name: lock_due_plans
-- Plans of an enabled account due at an instant ($2): only the first pending one of each vehicle, so that they happen in order.
SELECT p.plan_id, p.vehicle_id, p.vin, p.kind, p.status, p.reason, p.effective_at, p.until, p.reverts,
    p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by, p.ended_request_id,
    p.detail, p.number
FROM planned_changes AS p
WHERE EXISTS (SELECT 1 FROM accounts AS a WHERE a.account_id = $1 AND a.disabled_at IS NULL)
    AND p.account_id = $1 AND p.state = 'pending' AND p.effective_at <= $2 AND p.plan_id = (
    SELECT first.plan_id FROM planned_changes AS first
    WHERE first.account_id = $1 AND first.vehicle_id = p.vehicle_id AND first.state = 'pending'
    ORDER BY first.effective_at, first.plan_id LIMIT 1)
ORDER BY p.effective_at, p.plan_id LIMIT $3 FOR UPDATE OF p SKIP LOCKED;

-- name: lock_plan
-- One plan, for change.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = $1 AND p.plan_id = $2 FOR UPDATE OF p;

-- name: lock_returns
-- Pending returns of some vehicles that are not locked, the latest change's return last.
SELECT p.plan_id, p.vehicle_id, p.vin, p.kind, p.status, p.reason, p.effective_at, p.until, p.reverts,
    p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by, p.ended_request_id,
    p.detail, p.number
FROM planned_changes AS p
WHERE p.account_id = $1 AND p.vehicle_id = ANY($2::bigint[]) AND p.state = 'pending' AND p.kind = 'return'
ORDER BY p.reverts FOR UPDATE SKIP LOCKED;

-- name: lock_pending_of_request
-- The pending plans of one request.
SELECT p.plan_id, p.vehicle_id, p.vin, p.kind, p.status, p.reason, p.effective_at, p.until, p.reverts,
    p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by, p.ended_request_id,
    p.detail, p.number
FROM planned_changes AS p
WHERE p.account_id = $1 AND p.request_id = $2 AND p.state = 'pending'
ORDER BY p.effective_at, p.plan_id LIMIT $3 FOR UPDATE;

-- name: lock_pending_of_vehicle
-- The pending plans of one vehicle that are not locked.
SELECT p.plan_id, p.vehicle_id, p.vin, p.kind, p.status, p.reason, p.effective_at, p.until, p.reverts,
    p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by, p.ended_request_id,
    p.detail, p.number
FROM planned_changes AS p
WHERE p.account_id = $1 AND p.vehicle_id = $2 AND p.state = 'pending'
ORDER BY p.effective_at, p.plan_id FOR UPDATE SKIP LOCKED;

-- name: lock_targets
-- The current vehicles of plans, by id, each with the number of current vehicles with its VIN.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at,
    (SELECT count(*) FROM identities AS o WHERE o.account_id = $1 AND o.vin = h.vin AND o.slot >= 0) AS namesake_count
FROM vehicles AS h
WHERE account_id = $1 AND vehicle_id = ANY($2::bigint[]) AND slot >= 0
ORDER BY vehicle_id FOR UPDATE OF h;

-- name: find_later_statuses
-- The first change of status of each of some vehicles ($2) after a number ($3).
SELECT c.vehicle_id, c.changed_by, c.request_id
FROM unnest($2::bigint[], $3::bigint[]) AS asked (vehicle_id, number)
CROSS JOIN LATERAL (
    SELECT one.vehicle_id, one.changed_by, one.request_id FROM changes AS one
    WHERE one.account_id = $1 AND one.vehicle_id = asked.vehicle_id AND one.number > asked.number
        AND one.type = 'statusChanged'
    ORDER BY one.number LIMIT 1) AS c;

-- name: end_plans
-- The outcome of locked plans.
UPDATE planned_changes AS p
SET state = e.state, ended_at = e.ended_at, ended_by = e.ended_by, ended_request_id = e.ended_request_id,
    detail = e.detail, number = e.number
FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::bigint[])
    AS e (plan_id, state, ended_at, ended_by, ended_request_id, detail, number)
WHERE p.account_id = $1 AND p.plan_id = e.plan_id;

-- name: find_plan
-- One plan.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = $1 AND p.plan_id = $2;

-- name: list_plans
-- Plans in the order of their instants, from a place ($2, $3) on. plans.py sets the direction.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = $1 AND (p.effective_at, p.plan_id) > ($2, $3)
ORDER BY p.effective_at ASC, p.plan_id ASC LIMIT $4;

-- name: list_plans_by_state
-- The same of one state ($5).
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = $1 AND p.state = $5 AND (p.effective_at, p.plan_id) > ($2, $3)
ORDER BY p.effective_at ASC, p.plan_id ASC LIMIT $4;

-- name: list_plans_of_request
-- The same of one request ($6), in one state ($5) or any.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = $1 AND p.request_id = $6 AND (p.effective_at, p.plan_id) > ($2, $3)
    AND ($5::text IS NULL OR p.state = $5)
ORDER BY p.effective_at ASC, p.plan_id ASC LIMIT $4;

-- name: list_plans_of_vehicles
-- The same of the vehicles with a VIN ($7), in one state and of one request, or of any.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM identities AS h CROSS JOIN LATERAL (
    SELECT p.* FROM planned_changes AS p
    WHERE p.account_id = $1 AND p.vehicle_id = h.vehicle_id AND (p.effective_at, p.plan_id) > ($2, $3)
        AND ($5::text IS NULL OR p.state = $5) AND ($6::text IS NULL OR p.request_id = $6)
    ORDER BY p.effective_at ASC, p.plan_id ASC LIMIT $4) AS p
WHERE h.account_id = $1 AND h.vin = $7
ORDER BY p.effective_at ASC, p.plan_id ASC LIMIT $4;

-- name: find_next_instant
-- When the next plan of any enabled account is due.
SELECT effective_at FROM planned_changes
WHERE state = 'pending' AND account_id NOT IN (SELECT account_id FROM accounts WHERE disabled_at IS NOT NULL)
ORDER BY effective_at LIMIT 1;

-- name: list_due_accounts
-- The enabled accounts that have due plans.
SELECT DISTINCT account_id FROM planned_changes
WHERE state = 'pending' AND effective_at <= $1
    AND account_id NOT IN (SELECT account_id FROM accounts WHERE disabled_at IS NOT NULL)
ORDER BY account_id;

-- name: survey_plans
-- For the operator: the number of pending plans, counted up to a limit.
SELECT count(*) FROM (SELECT 1 FROM planned_changes WHERE state = 'pending' LIMIT $1) AS pending;
