-- One change as one statement, a transaction of its own: the strongest form that pgbench has.
\set a random(0, {account_last})
\set n random(0, {each} - 1)
\set s random(3, 9)
WITH held AS (
    SELECT h.vehicle_id, h.vin, h.status FROM identities AS i JOIN vehicles AS h USING (account_id, vehicle_id)
    WHERE i.account_id = 1 + :a AND i.vin = '3PADRN00X0' || lpad((:a * {each} + :n)::text, 7, '0') FOR UPDATE OF h
), saved AS (
    UPDATE vehicles AS h SET status = :s, status_since = now(), status_by = 'pgbench', status_reason = NULL,
        revision = revision + 1, updated_at = now()
    FROM held WHERE h.account_id = 1 + :a AND h.vehicle_id = held.vehicle_id
), taken AS (
    UPDATE counters SET last_change = last_change + 1 WHERE account_id = 1 + :a RETURNING last_change
)
INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id, from_status,
    to_status)
SELECT 1 + :a, taken.last_change, held.vehicle_id, held.vin, 'statusChanged', now(), 'pgbench', 'pgbench',
    held.status, :s FROM held, taken;
