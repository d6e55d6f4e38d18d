-- What vehicles are found by, apart from the rows that the status call rewrites: so it leaves these indexes alone.
-- Each row says the same as the vehicle's own, which is what holds.
CREATE TABLE identities (
    account_id bigint NOT NULL,
    vehicle_id bigint NOT NULL,
    vin text COLLATE "C" NOT NULL,
    slot smallint NOT NULL,
    plate text COLLATE "C",
    PRIMARY KEY (account_id, vehicle_id)
);

-- No vehicle is to come or to change between this copy and the end.
LOCK TABLE vehicles IN ACCESS EXCLUSIVE MODE;
INSERT INTO identities (account_id, vehicle_id, vin, slot, plate)
SELECT account_id, vehicle_id, vin, slot, plate FROM vehicles;

CREATE UNIQUE INDEX identities_by_vin ON identities (account_id, vin, slot) INCLUDE (vehicle_id);
CREATE UNIQUE INDEX identities_by_plate ON identities (account_id, plate) WHERE plate IS NOT NULL AND slot = 0;
CREATE INDEX identities_duplicate ON identities (account_id, vin) WHERE slot > 0;

DROP INDEX vehicles_by_vin;
DROP INDEX vehicles_by_plate;
DROP INDEX vehicles_duplicate;

ANALYZE identities;
