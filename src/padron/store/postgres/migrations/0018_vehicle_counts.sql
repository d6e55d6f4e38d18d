-- How many current vehicles an account has, for the limit on them. The change that registers, retires or restores a
-- vehicle counts it in the row that it writes anyway. Nobody registers a vehicle between this count and the end.
ALTER TABLE counters ADD COLUMN vehicle_count bigint NOT NULL DEFAULT 0;
LOCK TABLE identities IN SHARE ROW EXCLUSIVE MODE;
UPDATE counters AS c SET vehicle_count = held.vehicles
FROM (SELECT account_id, count(*) AS vehicles FROM identities WHERE slot >= 0 GROUP BY account_id) AS held
WHERE held.account_id = c.account_id;
