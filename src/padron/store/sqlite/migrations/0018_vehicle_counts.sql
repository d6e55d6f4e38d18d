-- How many current vehicles an account has, for the limit on them. The change that registers, retires or restores a
-- vehicle counts it in the row that it writes anyway.
ALTER TABLE counters ADD COLUMN vehicle_count INTEGER NOT NULL DEFAULT 0;
UPDATE counters SET vehicle_count = (
    SELECT count(*) FROM vehicles WHERE vehicles.account_id = counters.account_id AND vehicles.slot >= 0);
