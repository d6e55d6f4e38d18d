-- Planned changes. Both engines' files have the same names in the same order. Each statement names one account, except
-- the last two, with which a server finds due plans.

-- name: add_plans
-- New plans.
INSERT INTO planned_changes (account_id, plan_id, vehicle_id, vin, kind, status, reason, effective_at, until,
    reverts, follows, state, created_at, created_by, request_id, ended_at, ended_by, ended_request_id, detail,
    number)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: lock_due_plans
-- Plans of an enabled account due at an instant (?2): only the first pending one of each vehicle, so that they happen in order.
SELECT p.plan_id, p.vehicle_id, p.vin, p.kind, p.status, p.reason, p.effective_at, p.until, p.reverts,
    p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by, p.ended_request_id,
    p.detail, p.number
FROM planned_changes AS p
WHERE EXISTS (SELECT 1 FROM accounts AS a WHERE a.account_id = ?1 AND a.disabled_at IS NULL)
    AND p.account_id = ?1 AND p.state = 'pending' AND p.effective_at <= ?2 AND p.plan_id = (
    SELECT first.plan_id FROM planned_changes AS first
    WHERE first.account_id = ?1 AND first.vehicle_id = p.vehicle_id AND first.state = 'pending'
    ORDER BY first.effective_at, first.plan_id LIMIT 1)
ORDER BY p.effective_at, p.plan_id LIMIT ?3;

-- name: lock_plan
-- One plan, for change.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = ?1 AND p.plan_id = ?2;

-- name: lock_returns
-- Pending returns of some vehicles, the latest change's return last.
SELECT p.plan_id, p.vehicle_id, p.vin, p.kind, p.status, p.reason, p.effective_at, p.until, p.reverts,
    p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by, p.ended_request_id,
    p.detail, p.number
FROM planned_changes AS p
WHERE p.account_id = ?1 AND p.vehicle_id IN (SELECT value FROM json_each(?2)) AND p.state = 'pending' AND p.kind = 'return'
ORDER BY p.reverts;

-- name: lock_pending_of_request
-- The pending plans of one request.
SELECT p.plan_id, p.vehicle_id, p.vin, p.kind, p.status, p.reason, p.effective_at, p.until, p.reverts,
    p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by, p.ended_request_id,
    p.detail, p.number
FROM planned_changes AS p
WHERE p.account_id = ?1 AND p.request_id = ?2 AND p.state = 'pending'
ORDER BY p.effective_at, p.plan_id LIMIT ?3;

-- name: lock_pending_of_vehicle
-- The pending plans of one vehicle.
SELECT p.plan_id, p.vehicle_id, p.vin, p.kind, p.status, p.reason, p.effective_at, p.until, p.reverts,
    p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by, p.ended_request_id,
    p.detail, p.number
FROM planned_changes AS p
WHERE p.account_id = ?1 AND p.vehicle_id = ?2 AND p.state = 'pending'
ORDER BY p.effective_at, p.plan_id;

-- name: lock_targets
-- The current vehicles of plans, by id, each with the number of current vehicles with its VIN.
SELECT vehicle_id, vin, slot, status, status_since, status_by, status_reason, revision, created_at, updated_at,
    (SELECT count(*) FROM vehicles AS o WHERE o.account_id = ?1 AND o.vin = h.vin AND o.slot >= 0) AS namesake_count
FROM vehicles AS h
WHERE account_id = ?1 AND vehicle_id IN (SELECT value FROM json_each(?2)) AND slot >= 0
ORDER BY vehicle_id;

-- name: find_later_statuses
-- The first change of status of one vehicle (?2) after a number (?3). By default the planner walks all later
-- changes of the account, because they are already in order.
SELECT vehicle_id, changed_by, request_id FROM changes INDEXED BY changes_by_vehicle
WHERE account_id = ?1 AND vehicle_id = ?2 AND number > ?3 AND type = 'statusChanged'
ORDER BY number LIMIT 1;

-- name: end_plans
-- The outcome of a locked plan.
UPDATE planned_changes
SET state = ?3, ended_at = ?4, ended_by = ?5, ended_request_id = ?6, detail = ?7, number = ?8
WHERE account_id = ?1 AND plan_id = ?2;

-- name: find_plan
-- One plan.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = ?1 AND p.plan_id = ?2;

-- name: list_plans
-- Plans in the order of their instants, from a place (?2, ?3) on. plans.py sets the direction.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = ?1 AND (p.effective_at, p.plan_id) > (?2, ?3)
ORDER BY p.effective_at ASC, p.plan_id ASC LIMIT ?4;

-- name: list_plans_by_state
-- The same of one state (?5).
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = ?1 AND p.state = ?5 AND (p.effective_at, p.plan_id) > (?2, ?3)
ORDER BY p.effective_at ASC, p.plan_id ASC LIMIT ?4;

-- name: list_plans_of_request
-- The same of one request (?6), in one state (?5) or any.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM planned_changes AS p LEFT JOIN vehicles AS h ON h.account_id = p.account_id AND h.vehicle_id = p.vehicle_id
WHERE p.account_id = ?1 AND p.request_id = ?6 AND (p.effective_at, p.plan_id) > (?2, ?3)
    AND (?5 IS NULL OR p.state = ?5)
ORDER BY p.effective_at ASC, p.plan_id ASC LIMIT ?4;

-- name: list_plans_of_vehicles
-- The same of the vehicles with a VIN (?7), in one state and of one request, or of any.
SELECT p.plan_id, p.vehicle_id, coalesce(h.vin, p.vin) AS vin, p.kind, p.status, p.reason, p.effective_at, p.until,
    p.reverts, p.follows, p.state, p.created_at, p.created_by, p.request_id, p.ended_at, p.ended_by,
    p.ended_request_id, p.detail, p.number
FROM vehicles AS h CROSS JOIN planned_changes AS p INDEXED BY planned_changes_by_vehicle
WHERE h.account_id = ?1 AND h.vin = ?7
    AND p.account_id = ?1 AND p.vehicle_id = h.vehicle_id AND (p.effective_at, p.plan_id) > (?2, ?3)
    AND (?5 IS NULL OR p.state = ?5) AND (?6 IS NULL OR p.request_id = ?6)
ORDER BY p.effective_at ASC, p.plan_id ASC LIMIT ?4;

-- name: find_next_instant
-- When the next plan of any enabled account is due.
SELECT effective_at FROM planned_changes
WHERE state = 'pending' AND account_id NOT IN (SELECT account_id FROM accounts WHERE disabled_at IS NOT NULL)
ORDER BY effective_at LIMIT 1;

-- name: list_due_accounts
-- The enabled accounts that have due plans. By default the planner walks all pending plans.
SELECT DISTINCT account_id FROM planned_changes INDEXED BY planned_changes_next
WHERE state = 'pending' AND effective_at <= ?1
    AND account_id NOT IN (SELECT account_id FROM accounts WHERE disabled_at IS NOT NULL)
ORDER BY account_id;

-- name: survey_plans
-- For the operator: the number of pending plans, counted up to a limit.
SELECT count(*) FROM (SELECT 1 FROM planned_changes WHERE state = 'pending' LIMIT ?1) AS pending;
