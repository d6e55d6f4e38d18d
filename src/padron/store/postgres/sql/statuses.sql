-- Status changes, the work that they withdraw, and time in status. Both engines' files have the same names in the same
-- order.

-- name: load_together
-- Current vehicles of several accounts with some VINs, for the next statement. LATERAL makes the planner look up each.
-- A row without a vehicle has an account's strict_gates, which are needed where nothing is to be saved.
SELECT /* held later */ h.vehicle_id, h.vin, h.slot, h.status, h.status_since, h.status_by, h.status_reason, h.revision,
    h.created_at, h.updated_at, h.account_id, NULL AS strict_gates
FROM unnest($1::bigint[], $2::text[]) AS asked (account_id, vin) CROSS JOIN LATERAL (
    SELECT k.* FROM identities AS i JOIN vehicles AS k USING (account_id, vehicle_id)
    WHERE i.account_id = asked.account_id AND i.vin = asked.vin AND i.slot >= 0 ORDER BY i.slot) AS h
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, c.account_id, c.strict_gates
FROM counters AS c WHERE c.account_id = ANY ($1::bigint[])
ORDER BY vin, slot;

-- name: save_statuses
-- A batch of status changes of several accounts in one round trip: one row for each, numbered within its account
-- ($12). The last change of a vehicle carries the revision that the vehicle had when it was read ($11). The statement
-- writes nothing of an account if one of these revisions no longer exists. With SKIP LOCKED it also writes nothing of
-- an account if another transaction holds vehicles, counter or work of it. It locks these in this order, each by
-- account. A function withdraws the work of deactivated vehicles ($13, $14, $15). Each statement of a function sees
-- what is committed when it begins. So it finds work that was claimed or queued while this statement waited for the
-- vehicle. If a row was moved without a new revision, the numbers are NULL. The record refuses NULL, so nothing at all
-- is written. No change is earlier than the account's last one, whose instant is beside the counter.
WITH given AS MATERIALIZED (
    SELECT g.*
    FROM :given /* held */ unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::integer[],
        $8::integer[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[])
        AS g (account_id, vehicle_id, vin, at, by, request_id, from_status, to_status, reason, revision, seen, place)
), locked AS MATERIALIZED (
    SELECT g.*, h.ctid AS row
    FROM given AS g JOIN vehicles AS h
        ON h.account_id = g.account_id AND h.vehicle_id = g.vehicle_id AND h.revision = g.seen
    ORDER BY h.account_id, h.vehicle_id FOR UPDATE OF h :skip
), free AS MATERIALIZED (
    SELECT a.*, c.last_at
    FROM (SELECT account_id, max(place) AS changes, count(seen) AS vehicles, max(at) AS at FROM given GROUP BY account_id) AS a
    JOIN (SELECT account_id, count(*) AS vehicles FROM locked GROUP BY account_id) AS l USING (account_id, vehicles)
    JOIN counters AS c USING (account_id)
    ORDER BY c.account_id FOR UPDATE OF c :skip
), clear AS MATERIALIZED (
    SELECT f.*
    FROM free AS f LEFT JOIN (
        SELECT account_id, array_agg(vehicle_id ORDER BY vehicle_id) AS vehicle_ids, array_agg(at ORDER BY vehicle_id) AS ats
        FROM unnest($13::bigint[], $14::bigint[], $15::timestamptz[]) AS u (account_id, vehicle_id, at)
        GROUP BY account_id) AS d USING (account_id)
    WHERE CASE WHEN d.vehicle_ids IS NULL THEN true
        WHEN f.last_at <= ALL (d.ats) THEN :withdraw(f.account_id, d.vehicle_ids, d.ats)
        ELSE :withdraw(f.account_id, d.vehicle_ids, array_fill(greatest(f.at, f.last_at), ARRAY[cardinality(d.ats)])) END
), saved AS (
    UPDATE vehicles AS h
    SET status = g.to_status, status_since = greatest(g.at, clear.last_at), status_by = g.by, status_reason = g.reason,
        revision = g.revision, updated_at = greatest(g.at, clear.last_at)
    FROM locked AS g JOIN clear USING (account_id) WHERE h.account_id = g.account_id AND h.ctid = g.row
    RETURNING 1
), taken AS (
    UPDATE counters AS c SET last_change = c.last_change + f.changes, last_at = greatest(f.at, f.last_at)
    FROM clear AS f WHERE c.account_id = f.account_id
    RETURNING c.account_id, c.last_at, c.strict_gates, f.last_at AS former_at, CASE WHEN (SELECT count(*) FROM saved) = (SELECT sum(vehicles) FROM clear)
        THEN c.last_change - f.changes END AS base
), recorded AS (
    INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id,
        from_status, to_status, reason)
    SELECT g.account_id, t.base + g.place, g.vehicle_id, g.vin, 'statusChanged', greatest(g.at, t.former_at), g.by,
        g.request_id,
        g.from_status, g.to_status, g.reason
    FROM taken AS t JOIN given AS g USING (account_id)
)
SELECT account_id, last_at, base, strict_gates FROM taken;

-- name: update_status
-- A status change of one vehicle, among changes of other kinds.
UPDATE vehicles
SET status = $1, status_since = $2, status_by = $3, status_reason = $4, revision = $5, updated_at = $6
WHERE account_id = $7 AND vehicle_id = $8;

-- name: withdraw_work
-- The work of deactivated vehicles that is open or could still be answered, whoever has claimed it, locked by vehicle
-- and run, as everywhere. LATERAL makes the planner look up each vehicle in the index of such work, even just after a
-- run of a million vehicles was added.
UPDATE work AS w SET state = 'withdrawn', ended_at = held.at
FROM (
    SELECT o.run_id, o.vehicle_id, d.at
    FROM unnest($2::bigint[], $3::timestamptz[]) AS d (vehicle_id, at) CROSS JOIN LATERAL (
        SELECT run_id, vehicle_id FROM work
        WHERE account_id = $1 AND vehicle_id = d.vehicle_id AND state IN ('queued', 'claimed', 'exhausted')
        ORDER BY run_id FOR UPDATE) AS o
) AS held
WHERE w.account_id = $1 AND w.run_id = held.run_id AND w.vehicle_id = held.vehicle_id;

-- name: find_answerable_work
-- Empty: this engine saves a batch with one statement.

-- name: load_numbers
-- Empty: this engine saves a batch with one statement.

-- name: save_numbers
-- Empty: this engine saves a batch with one statement.

-- name: sum_statuses
-- The time of vehicles after an id ($6) in each status for each reason, between two instants ($4, $5). The last changes
-- up to these instants are $3 and $2. Numbers decide the order. If a clock went back, a length is zero, never negative.
WITH chosen AS MATERIALIZED (
    SELECT v.vehicle_id, v.vin, v.details ->> 'plate' AS plate, v.details ->> 'customId' AS custom_id
    FROM versions AS v :index
    WHERE v.account_id = $1 AND v.vehicle_id > $6 AND v.vehicle_id <= $2 AND v.began <= $2
        AND (v.ended IS NULL OR v.ended > $2 OR NOT EXISTS (
            SELECT 1 FROM versions AS w WHERE w.account_id = $1 AND w.vehicle_id = v.vehicle_id
                AND w.began > v.began AND w.began <= $2))
        :where
    ORDER BY v.vehicle_id LIMIT $7),
steps AS (
    SELECT s.vehicle_id, s.vin, c.number, c.to_status, c.reason,
        max(CASE WHEN c.number <= $3 THEN $4 ELSE least(greatest(c.changed_at, $4), $5) END)
            OVER (PARTITION BY s.vehicle_id ORDER BY c.number) AS began_at
    FROM chosen AS s
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT b.number FROM changes AS b
            WHERE b.account_id = $1 AND b.vehicle_id = s.vehicle_id AND b.number <= $3
                AND b.type IN ('registered', 'statusChanged', 'deleted')
            ORDER BY b.number DESC LIMIT 1), 0) AS number) AS base
    CROSS JOIN LATERAL (
        SELECT o.number, o.to_status, o.reason, o.changed_at FROM changes AS o
        WHERE o.account_id = $1 AND o.vehicle_id = s.vehicle_id AND o.number BETWEEN base.number AND $2
            AND o.type IN ('registered', 'statusChanged', 'deleted')
        ORDER BY o.number) AS c),
spans AS (
    SELECT vehicle_id, vin, to_status, reason,
        lead(began_at, 1, $5) OVER (PARTITION BY vehicle_id ORDER BY number) - began_at AS length
    FROM steps)
SELECT p.vehicle_id, p.vin, p.to_status, p.reason,
    (extract(epoch FROM sum(p.length)) * 1000000)::bigint AS microseconds, s.plate, s.custom_id
FROM spans AS p JOIN chosen AS s ON s.vehicle_id = p.vehicle_id
GROUP BY p.vehicle_id, p.vin, p.to_status, p.reason, s.plate, s.custom_id ORDER BY p.vehicle_id;

-- name: count_by_status
-- The account's current vehicles by status, all but Active, with their number in all and the account's last change. A
-- former vehicle has the status 0, so only of that status each vehicle is looked at.
SELECT c.last_change, c.vehicle_count, s.status, s.found
FROM counters AS c LEFT JOIN (
    SELECT status, count(*) AS found FROM vehicles WHERE account_id = $1 AND status <> 1 AND status > 2 GROUP BY status
    UNION ALL
    SELECT 0, count(*) FROM vehicles WHERE account_id = $1 AND status <> 1 AND status = 0 AND slot >= 0) AS s ON true
WHERE c.account_id = $1;

-- name: sum_moves
-- How many changes after a number ($2) up to another ($3) took vehicles from which status to which, on each day (UTC).
SELECT floor(extract(epoch FROM changed_at) / 86400)::bigint AS day, from_status, to_status, count(*)
FROM changes
WHERE account_id = $1 AND number > $2 AND number <= $3 AND type IN ('registered', 'statusChanged', 'deleted')
GROUP BY 1, 2, 3;
