-- Removes an account, table by table. Both engines' files have the same names in the same order, which is an order in
-- which tables can be emptied. Each statement removes some rows of one table, and gives a row for each.

-- name: remove_api_keys
-- API keys.
DELETE FROM api_keys WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM api_keys WHERE account_id = $1 ORDER BY account_id, key_id LIMIT $2))
RETURNING 1;

-- name: remove_administration
-- The record of what was administered.
DELETE FROM administration WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM administration WHERE account_id = $1 ORDER BY account_id, number LIMIT $2))
RETURNING 1;

-- name: remove_chosen_views
-- What people chose to see first.
DELETE FROM chosen_views WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM chosen_views WHERE account_id = $1 ORDER BY account_id, user_id LIMIT $2))
RETURNING 1;

-- name: remove_saved_views
-- Saved views.
DELETE FROM saved_views WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM saved_views WHERE account_id = $1 ORDER BY account_id, view_id LIMIT $2))
RETURNING 1;

-- name: remove_provided_members
-- Which memberships came from a provider.
DELETE FROM provided_members WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM provided_members WHERE account_id = $1 ORDER BY account_id, user_id LIMIT $2))
RETURNING 1;

-- name: remove_members
-- Memberships. The people stay.
DELETE FROM members WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM members WHERE account_id = $1 ORDER BY account_id, user_id LIMIT $2))
RETURNING 1;

-- name: remove_known_people
-- Who is or was a member.
DELETE FROM known_people WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM known_people WHERE account_id = $1 ORDER BY account_id, user_id LIMIT $2))
RETURNING 1;

-- name: remove_sessions
-- Sessions in the account.
DELETE FROM sessions WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM sessions WHERE account_id = $1 LIMIT $2))
RETURNING 1;

-- name: remove_sign_ins
-- The record of who entered the account.
DELETE FROM sign_ins WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM sign_ins WHERE account_id = $1 ORDER BY account_id, number LIMIT $2))
RETURNING 1;

-- name: remove_idempotency_keys
-- Requests under a key, with their answers.
DELETE FROM idempotency_keys WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE account_id = $1 ORDER BY account_id, actor, key LIMIT $2))
RETURNING 1;

-- name: remove_idempotency_totals
-- The totals of these.
DELETE FROM idempotency_totals WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_totals WHERE account_id = $1 ORDER BY account_id LIMIT $2))
RETURNING 1;

-- name: remove_planned_changes
-- Planned changes.
DELETE FROM planned_changes WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM planned_changes WHERE account_id = $1 ORDER BY account_id, plan_id LIMIT $2))
RETURNING 1;

-- name: remove_webhook_attempts
-- Attempts of deliveries.
DELETE FROM webhook_attempts WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM webhook_attempts WHERE account_id = $1 ORDER BY account_id, endpoint_id, number, attempt LIMIT $2))
RETURNING 1;

-- name: remove_webhook_deliveries
-- Deliveries, after their attempts.
DELETE FROM webhook_deliveries WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM webhook_deliveries WHERE account_id = $1 ORDER BY account_id, endpoint_id, number LIMIT $2))
RETURNING 1;

-- name: remove_webhook_endpoints
-- Webhooks, after their deliveries.
DELETE FROM webhook_endpoints WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM webhook_endpoints WHERE account_id = $1 ORDER BY account_id, endpoint_id LIMIT $2))
RETURNING 1;

-- name: remove_import_parts
-- Bytes of uploaded files.
DELETE FROM import_parts WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM import_parts WHERE account_id = $1 ORDER BY account_id, import_id, number LIMIT $2))
RETURNING 1;

-- name: remove_import_refusals
-- Refused lines of imports.
DELETE FROM import_refusals WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM import_refusals WHERE account_id = $1 ORDER BY account_id, import_id, place LIMIT $2))
RETURNING 1;

-- name: remove_import_mappings
-- How files were mapped.
DELETE FROM import_mappings WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM import_mappings WHERE account_id = $1 ORDER BY account_id, fingerprint LIMIT $2))
RETURNING 1;

-- name: remove_imports
-- Imports, after what they have.
DELETE FROM imports WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM imports WHERE account_id = $1 ORDER BY account_id, import_id LIMIT $2))
RETURNING 1;

-- name: remove_selected_vehicles
-- Vehicles of selections.
DELETE FROM selected_vehicles WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM selected_vehicles WHERE account_id = $1 ORDER BY account_id, selection_id, vehicle_id LIMIT $2))
RETURNING 1;

-- name: remove_selection_faults
-- Names of lists that gave no vehicle.
DELETE FROM selection_faults WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM selection_faults WHERE account_id = $1 ORDER BY account_id, selection_id, place LIMIT $2))
RETURNING 1;

-- name: remove_selections
-- Selections, after what they have.
DELETE FROM selections WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM selections WHERE account_id = $1 ORDER BY account_id, selection_id LIMIT $2))
RETURNING 1;

-- name: remove_results
-- Results of work.
DELETE FROM results WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM results WHERE account_id = $1 ORDER BY account_id, run_id, vehicle_id, attempt LIMIT $2))
RETURNING 1;

-- name: remove_work
-- Work.
DELETE FROM work WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM work WHERE account_id = $1 ORDER BY account_id, run_id, vehicle_id LIMIT $2))
RETURNING 1;

-- name: remove_refusals
-- Vehicles that runs left out.
DELETE FROM refusals WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM refusals WHERE account_id = $1 ORDER BY account_id, run_id, place LIMIT $2))
RETURNING 1;

-- name: remove_runs
-- Runs.
DELETE FROM runs WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM runs WHERE account_id = $1 ORDER BY account_id, run_id LIMIT $2))
RETURNING 1;

-- name: remove_operations
-- Operations.
DELETE FROM operations WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM operations WHERE account_id = $1 ORDER BY account_id, name LIMIT $2))
RETURNING 1;

-- name: remove_gate_leases
-- Leases of local gates.
DELETE FROM gate_leases WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM gate_leases WHERE account_id = $1 ORDER BY account_id, lease_id LIMIT $2))
RETURNING 1;

-- name: remove_gate_refusals
-- Refusals of the gate.
DELETE FROM gate_refusals WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM gate_refusals WHERE account_id = $1 ORDER BY account_id, hour_at, vin, operation, actor LIMIT $2))
RETURNING 1;

-- name: remove_last_change_marks
-- This engine has no such table: lists by an instant have indexes of their own.
SELECT 1 FROM counters WHERE account_id = $1 AND last_change < least($2::bigint, 0);

-- name: remove_last_changes
-- This engine has no such table: lists by an instant have indexes of their own.
SELECT 1 FROM counters WHERE account_id = $1 AND last_change < least($2::bigint, 0);

-- name: remove_changes
-- Changes.
DELETE FROM changes WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM changes WHERE account_id = $1 ORDER BY account_id, number LIMIT $2))
RETURNING 1;

-- name: remove_search_texts
-- The texts in which vehicles are found.
DELETE FROM search_texts WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM search_texts WHERE account_id = $1 ORDER BY account_id, vehicle_id LIMIT $2))
RETURNING 1;

-- name: remove_versions
-- Core data over time.
DELETE FROM versions WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM versions WHERE account_id = $1 ORDER BY account_id, vehicle_id, began LIMIT $2))
RETURNING 1;

-- name: remove_identities
-- Identities of vehicles.
DELETE FROM identities WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM identities WHERE account_id = $1 ORDER BY account_id, vehicle_id LIMIT $2))
RETURNING 1;

-- name: remove_vehicles
-- Vehicles, after their versions.
DELETE FROM vehicles WHERE account_id = $1 AND ctid = ANY (ARRAY(
    SELECT ctid FROM vehicles WHERE account_id = $1 ORDER BY account_id, vehicle_id LIMIT $2))
RETURNING 1;

-- name: begin_removal
-- Notes that an account is being deleted. From now on it cannot be enabled. The first instant counts.
UPDATE accounts SET deleting_at = coalesce(deleting_at, $2), disabled_at = coalesce(disabled_at, $2)
WHERE account_id = $1 RETURNING account_id;

-- name: hold_counter
-- Before the last look. Nobody writes a change until the transaction ends, and nobody at all if it removes the row.
SELECT 1 FROM counters WHERE account_id = $1 FOR UPDATE;

-- name: remove_counter
-- The last row of an account besides its own. Without it, nobody can write a change any more.
DELETE FROM counters WHERE account_id = $1;

-- name: note_former_account
-- Notes that there was an account.
INSERT INTO former_accounts (former_id, created_at, deleted_at)
SELECT account_id, created_at, $2::timestamptz FROM accounts WHERE account_id = $1;

-- name: remove_account
-- The account itself.
DELETE FROM accounts WHERE account_id = $1 RETURNING 1;
