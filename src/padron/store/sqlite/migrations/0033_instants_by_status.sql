-- contract
-- A page of vehicles that are not Active, by statusSince or updatedAt, reads this index alone. A status call writes the
-- entry anyway, because the status changes with the instants. No server may work while the index is missing.
DROP INDEX vehicles_by_status;
CREATE INDEX vehicles_by_status ON vehicles (account_id, status, vehicle_id, slot, status_since, updated_at)
    WHERE status <> 1;
