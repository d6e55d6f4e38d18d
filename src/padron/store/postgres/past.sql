-- The register as it was: the same names, in the same order, as in the other engine's file. A past instant is the
-- number of the last change before it; what was then is in versions and changes, and in nothing else.

-- name: find_cut
-- The number of the last change up to an instant ($2), by halving steps from a fixed one: the numbers looked at do
-- not depend on the last one, so the answer stays the same as the record grows, even where clocks once went back.
WITH RECURSIVE search (found, step) AS (
    SELECT 0::bigint, 1099511627776::bigint
    UNION ALL
    SELECT CASE WHEN c.changed_at <= $2 THEN found + step ELSE found END, step / 2
    FROM search LEFT JOIN LATERAL (
        SELECT o.changed_at FROM changes AS o WHERE o.account_id = $1 AND o.number = found + step LIMIT 1) AS c ON true
    WHERE step > 0)
SELECT found FROM search WHERE step = 0;

-- name: list_past
-- A page of vehicles, or of former versions, as they were after a change ($2); the hooks are filled in by listing.py.
WITH page AS MATERIALIZED (:page)
SELECT p.vehicle_id, v.vin, 0, s.to_status, s.changed_at, s.changed_by, s.reason,
    (SELECT count(*) FROM changes AS c WHERE c.account_id = $1 AND c.vehicle_id = p.vehicle_id AND c.number <= $2),
    r.changed_at, u.changed_at, v.details, v.began, v.valid_from,
    CASE WHEN v.ended <= $2 THEN v.valid_to END, p.sort_key
FROM page AS p
JOIN versions AS v ON v.account_id = $1 AND v.vehicle_id = p.vehicle_id AND v.began = p.began
JOIN changes AS r ON r.account_id = $1 AND r.number = p.vehicle_id
CROSS JOIN LATERAL (
    SELECT c.to_status, c.changed_at, c.changed_by, c.reason FROM changes AS c
    WHERE c.account_id = $1 AND c.vehicle_id = p.vehicle_id AND c.number <= $2
        AND c.type IN ('registered', 'statusChanged')
    ORDER BY c.number DESC LIMIT 1) AS s
CROSS JOIN LATERAL (
    SELECT c.changed_at FROM changes AS c
    WHERE c.account_id = $1 AND c.vehicle_id = p.vehicle_id AND c.number <= $2
    ORDER BY c.number DESC LIMIT 1) AS u
ORDER BY :order;

-- name: sum_statuses
-- How long vehicles after an id ($6) had which status for which reason, between two instants ($4, $5), after which the
-- last changes were $3 and $2. Numbers decide the order; a clock that went back makes a length zero, never negative.
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
                AND b.type IN ('registered', 'statusChanged')
            ORDER BY b.number DESC LIMIT 1), 0) AS number) AS base
    CROSS JOIN LATERAL (
        SELECT o.number, o.to_status, o.reason, o.changed_at FROM changes AS o
        WHERE o.account_id = $1 AND o.vehicle_id = s.vehicle_id AND o.number BETWEEN base.number AND $2
            AND o.type IN ('registered', 'statusChanged')
        ORDER BY o.number) AS c),
spans AS (
    SELECT vehicle_id, vin, to_status, reason,
        lead(began_at, 1, $5) OVER (PARTITION BY vehicle_id ORDER BY number) - began_at AS length
    FROM steps)
SELECT p.vehicle_id, p.vin, p.to_status, p.reason, (extract(epoch FROM sum(p.length)) * 1000000)::bigint, s.plate, s.custom_id
FROM spans AS p JOIN chosen AS s ON s.vehicle_id = p.vehicle_id
GROUP BY p.vehicle_id, p.vin, p.to_status, p.reason, s.plate, s.custom_id ORDER BY p.vehicle_id;
