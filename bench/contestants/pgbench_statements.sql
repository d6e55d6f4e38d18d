-- One change as four statements in a transaction, each sent when the answer to the last has come. The accounts of a
-- new database are numbered from 1.
\set a random(0, {account_last})
\set n random(0, {each} - 1)
\set s random(3, 9)
BEGIN;
SELECT h.vehicle_id AS vehicle, h.vin AS vin, h.status AS former
FROM identities AS i JOIN vehicles AS h USING (account_id, vehicle_id)
WHERE i.account_id = 1 + :a AND i.vin = '3PADRN00X0' || lpad((:a * {each} + :n)::text, 7, '0') FOR UPDATE OF h \gset
UPDATE vehicles SET status = :s, status_since = now(), status_by = 'pgbench', status_reason = NULL,
    revision = revision + 1, updated_at = now() WHERE account_id = 1 + :a AND vehicle_id = :vehicle;
UPDATE counters SET last_change = last_change + 1 WHERE account_id = 1 + :a RETURNING last_change AS number \gset
INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id, from_status,
    to_status)
VALUES (1 + :a, :number, :vehicle, :vin, 'statusChanged', now(), 'pgbench', 'pgbench', :former, :s);
COMMIT;
