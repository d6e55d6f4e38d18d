-- Removes an account, table by table. Both engines' files have the same names in the same order, which is an order in
-- which tables can be emptied. Each statement removes some rows of one table, and gives a row for each.

-- name: remove_api_keys
-- API keys.
DELETE FROM api_keys WHERE (account_id, key_id) IN (
    SELECT account_id, key_id FROM api_keys WHERE account_id = ?1 ORDER BY account_id, key_id LIMIT ?2)
RETURNING 1;

-- name: remove_administration
-- The record of what was administered.
DELETE FROM administration WHERE (account_id, number) IN (
    SELECT account_id, number FROM administration WHERE account_id = ?1 ORDER BY account_id, number LIMIT ?2)
RETURNING 1;

-- name: remove_chosen_views
-- What people chose to see first.
DELETE FROM chosen_views WHERE (account_id, user_id) IN (
    SELECT account_id, user_id FROM chosen_views WHERE account_id = ?1 ORDER BY account_id, user_id LIMIT ?2)
RETURNING 1;

-- name: remove_saved_views
-- Saved views.
DELETE FROM saved_views WHERE (account_id, view_id) IN (
    SELECT account_id, view_id FROM saved_views WHERE account_id = ?1 ORDER BY account_id, view_id LIMIT ?2)
RETURNING 1;

-- name: remove_provided_members
-- Which memberships came from a provider.
DELETE FROM provided_members WHERE (account_id, user_id) IN (
    SELECT account_id, user_id FROM provided_members WHERE account_id = ?1 ORDER BY account_id, user_id LIMIT ?2)
RETURNING 1;

-- name: remove_members
-- Memberships. The people stay.
DELETE FROM members WHERE (account_id, user_id) IN (
    SELECT account_id, user_id FROM members WHERE account_id = ?1 ORDER BY account_id, user_id LIMIT ?2)
RETURNING 1;

-- name: remove_known_people
-- Who is or was a member.
DELETE FROM known_people WHERE (account_id, user_id) IN (
    SELECT account_id, user_id FROM known_people WHERE account_id = ?1 ORDER BY account_id, user_id LIMIT ?2)
RETURNING 1;

-- name: remove_sessions
-- Sessions in the account.
DELETE FROM sessions WHERE token_sha256 IN (
    SELECT token_sha256 FROM sessions WHERE account_id = ?1 LIMIT ?2)
RETURNING 1;

-- name: remove_sign_ins
-- The record of who entered the account.
DELETE FROM sign_ins WHERE number IN (SELECT number FROM sign_ins WHERE account_id = ?1 ORDER BY number LIMIT ?2)
RETURNING 1;

-- name: remove_idempotency_keys
-- Requests under a key, with their answers.
DELETE FROM idempotency_keys WHERE (account_id, actor, key) IN (
    SELECT account_id, actor, key FROM idempotency_keys WHERE account_id = ?1 ORDER BY account_id, actor, key LIMIT ?2)
RETURNING 1;

-- name: remove_idempotency_totals
-- The totals of these.
DELETE FROM idempotency_totals WHERE account_id IN (
    SELECT account_id FROM idempotency_totals WHERE account_id = ?1 ORDER BY account_id LIMIT ?2)
RETURNING 1;

-- name: remove_planned_changes
-- Planned changes.
DELETE FROM planned_changes WHERE (account_id, plan_id) IN (
    SELECT account_id, plan_id FROM planned_changes WHERE account_id = ?1 ORDER BY account_id, plan_id LIMIT ?2)
RETURNING 1;

-- name: remove_webhook_attempts
-- Attempts of deliveries.
DELETE FROM webhook_attempts WHERE (account_id, endpoint_id, number, attempt) IN (
    SELECT account_id, endpoint_id, number, attempt FROM webhook_attempts WHERE account_id = ?1 ORDER BY account_id, endpoint_id, number, attempt LIMIT ?2)
RETURNING 1;

-- name: remove_webhook_deliveries
-- Deliveries, after their attempts.
DELETE FROM webhook_deliveries WHERE (account_id, endpoint_id, number) IN (
    SELECT account_id, endpoint_id, number FROM webhook_deliveries WHERE account_id = ?1 ORDER BY account_id, endpoint_id, number LIMIT ?2)
RETURNING 1;

-- name: remove_webhook_endpoints
-- Webhooks, after their deliveries.
DELETE FROM webhook_endpoints WHERE (account_id, endpoint_id) IN (
    SELECT account_id, endpoint_id FROM webhook_endpoints WHERE account_id = ?1 ORDER BY account_id, endpoint_id LIMIT ?2)
RETURNING 1;

-- name: remove_import_parts
-- Bytes of uploaded files.
DELETE FROM import_parts WHERE (account_id, import_id, number) IN (
    SELECT account_id, import_id, number FROM import_parts WHERE account_id = ?1 ORDER BY account_id, import_id, number LIMIT ?2)
RETURNING 1;

-- name: remove_import_refusals
-- Refused lines of imports.
DELETE FROM import_refusals WHERE (account_id, import_id, place) IN (
    SELECT account_id, import_id, place FROM import_refusals WHERE account_id = ?1 ORDER BY account_id, import_id, place LIMIT ?2)
RETURNING 1;

-- name: remove_import_mappings
-- How files were mapped.
DELETE FROM import_mappings WHERE (account_id, fingerprint) IN (
    SELECT account_id, fingerprint FROM import_mappings WHERE account_id = ?1 ORDER BY account_id, fingerprint LIMIT ?2)
RETURNING 1;

-- name: remove_imports
-- Imports, after what they have.
DELETE FROM imports WHERE (account_id, import_id) IN (
    SELECT account_id, import_id FROM imports WHERE account_id = ?1 ORDER BY account_id, import_id LIMIT ?2)
RETURNING 1;

-- name: remove_selected_vehicles
-- Vehicles of selections.
DELETE FROM selected_vehicles WHERE (account_id, selection_id, vehicle_id) IN (
    SELECT account_id, selection_id, vehicle_id FROM selected_vehicles WHERE account_id = ?1 ORDER BY account_id, selection_id, vehicle_id LIMIT ?2)
RETURNING 1;

-- name: remove_selection_faults
-- Names of lists that gave no vehicle.
DELETE FROM selection_faults WHERE (account_id, selection_id, place) IN (
    SELECT account_id, selection_id, place FROM selection_faults WHERE account_id = ?1 ORDER BY account_id, selection_id, place LIMIT ?2)
RETURNING 1;

-- name: remove_selections
-- Selections, after what they have.
DELETE FROM selections WHERE (account_id, selection_id) IN (
    SELECT account_id, selection_id FROM selections WHERE account_id = ?1 ORDER BY account_id, selection_id LIMIT ?2)
RETURNING 1;

-- name: remove_results
-- Results of work.
DELETE FROM results WHERE (account_id, run_id, vehicle_id, attempt) IN (
    SELECT account_id, run_id, vehicle_id, attempt FROM results WHERE account_id = ?1 ORDER BY account_id, run_id, vehicle_id, attempt LIMIT ?2)
RETURNING 1;

-- name: remove_work
-- Work.
DELETE FROM work WHERE (account_id, run_id, vehicle_id) IN (
    SELECT account_id, run_id, vehicle_id FROM work WHERE account_id = ?1 ORDER BY account_id, run_id, vehicle_id LIMIT ?2)
RETURNING 1;

-- name: remove_refusals
-- Vehicles that runs left out.
DELETE FROM refusals WHERE (account_id, run_id, place) IN (
    SELECT account_id, run_id, place FROM refusals WHERE account_id = ?1 ORDER BY account_id, run_id, place LIMIT ?2)
RETURNING 1;

-- name: remove_runs
-- Runs.
DELETE FROM runs WHERE (account_id, run_id) IN (
    SELECT account_id, run_id FROM runs WHERE account_id = ?1 ORDER BY account_id, run_id LIMIT ?2)
RETURNING 1;

-- name: remove_operations
-- Operations.
DELETE FROM operations WHERE (account_id, name) IN (
    SELECT account_id, name FROM operations WHERE account_id = ?1 ORDER BY account_id, name LIMIT ?2)
RETURNING 1;

-- name: remove_gate_leases
-- Leases of local gates.
DELETE FROM gate_leases WHERE (account_id, lease_id) IN (
    SELECT account_id, lease_id FROM gate_leases WHERE account_id = ?1 ORDER BY account_id, lease_id LIMIT ?2)
RETURNING 1;

-- name: remove_gate_refusals
-- Refusals of the gate.
DELETE FROM gate_refusals WHERE (account_id, hour_at, vin, operation, actor) IN (
    SELECT account_id, hour_at, vin, operation, actor FROM gate_refusals WHERE account_id = ?1 ORDER BY account_id, hour_at, vin, operation, actor LIMIT ?2)
RETURNING 1;

-- name: remove_last_change_marks
-- How far the bits of lists by an instant are. Without this row nobody adds any.
DELETE FROM last_change_marks WHERE account_id = ?1 AND ?2 > 0 RETURNING 1;

-- name: remove_last_changes
-- The bits themselves.
DELETE FROM last_changes WHERE (account_id, sort, block) IN (
    SELECT account_id, sort, block FROM last_changes WHERE account_id = ?1 ORDER BY account_id, sort, block LIMIT ?2)
RETURNING 1;

-- name: remove_changes
-- Changes.
DELETE FROM changes WHERE (account_id, number) IN (
    SELECT account_id, number FROM changes WHERE account_id = ?1 ORDER BY account_id, number LIMIT ?2)
RETURNING 1;

-- name: remove_search_texts
-- The texts in which vehicles are found. A trigger removes them from the index.
DELETE FROM search_texts WHERE (account_id, vehicle_id) IN (
    SELECT account_id, vehicle_id FROM search_texts WHERE account_id = ?1 ORDER BY account_id, vehicle_id LIMIT ?2)
RETURNING 1;

-- name: remove_versions
-- Core data over time.
DELETE FROM versions WHERE (account_id, vehicle_id, began) IN (
    SELECT account_id, vehicle_id, began FROM versions WHERE account_id = ?1 ORDER BY account_id, vehicle_id, began LIMIT ?2)
RETURNING 1;

-- name: remove_identities
-- This engine has no such table: vehicles are found by their own row.
SELECT 1 WHERE ?1 IS NULL AND ?2 IS NULL;

-- name: remove_vehicles
-- Vehicles, after their versions.
DELETE FROM vehicles WHERE (account_id, vehicle_id) IN (
    SELECT account_id, vehicle_id FROM vehicles WHERE account_id = ?1 ORDER BY account_id, vehicle_id LIMIT ?2)
RETURNING 1;

-- name: begin_removal
-- Notes that an account is being deleted. From now on it cannot be enabled. The first instant counts.
UPDATE accounts SET deleting_at = coalesce(deleting_at, ?2), disabled_at = coalesce(disabled_at, ?2)
WHERE account_id = ?1 RETURNING account_id;

-- name: hold_counter
-- Before the last look. On this engine nobody else writes until the transaction ends.
SELECT 1 FROM counters WHERE account_id = ?1;

-- name: remove_counter
-- The last row of an account besides its own. Without it, nobody can write a change any more.
DELETE FROM counters WHERE account_id = ?1;

-- name: note_former_account
-- Notes that there was an account.
INSERT INTO former_accounts (former_id, created_at, deleted_at)
SELECT account_id, created_at, ?2 FROM accounts WHERE account_id = ?1;

-- name: remove_account
-- The account itself.
DELETE FROM accounts WHERE account_id = ?1 RETURNING 1;
