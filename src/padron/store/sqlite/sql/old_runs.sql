-- Deleting old runs and their results. Both engines' files have the same names in the same order.

-- name: list_old_runs
-- Runs after a run (?2) that were created before an instant (?3), in order.
SELECT run_id FROM runs WHERE account_id = ?1 AND run_id > ?2 AND created_at < ?3 ORDER BY run_id LIMIT ?4;

-- name: is_run_over
-- Whether nothing of a run (?2) is open, and nothing of it happened since an instant (?3).
SELECT 1 FROM runs AS r WHERE r.account_id = ?1 AND r.run_id = ?2 AND r.is_queueing = 0 AND r.moved_at < ?3
    AND NOT EXISTS (SELECT 1 FROM work AS w WHERE w.account_id = ?1 AND w.run_id = ?2
        AND (w.state IN ('queued', 'claimed') OR w.ended_at >= ?3));

-- name: delete_old_results
-- Results of a run that were given before an instant (?3), some at a time.
DELETE FROM results WHERE (account_id, run_id, vehicle_id, attempt) IN (
    SELECT account_id, run_id, vehicle_id, attempt FROM results WHERE account_id = ?1 AND run_id = ?2 AND given_at < ?3 LIMIT ?4)
RETURNING 1;

-- name: delete_run_work
-- Work of a run, some at a time, after its results.
DELETE FROM work WHERE (account_id, run_id, vehicle_id) IN (
    SELECT account_id, run_id, vehicle_id FROM work WHERE account_id = ?1 AND run_id = ?2 LIMIT ?3)
RETURNING 1;

-- name: delete_run_refusals
-- The vehicles that a run left out, some at a time.
DELETE FROM refusals WHERE (account_id, run_id, place) IN (
    SELECT account_id, run_id, place FROM refusals WHERE account_id = ?1 AND run_id = ?2 LIMIT ?3)
RETURNING 1;

-- name: delete_run
-- The run itself, last.
DELETE FROM runs WHERE account_id = ?1 AND run_id = ?2;
