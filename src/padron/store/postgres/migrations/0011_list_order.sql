-- What pages of the list walk along.

CREATE INDEX versions_former ON versions (account_id, vehicle_id, began) WHERE is_former = 1;
CREATE INDEX vehicles_by_status_since ON vehicles (account_id, status_since, vehicle_id);
CREATE INDEX vehicles_by_updated_at ON vehicles (account_id, updated_at, vehicle_id);
CREATE INDEX versions_by_engine_number ON versions (account_id, is_former, engine_number, vehicle_id)
    WHERE engine_number <> '';
CREATE INDEX versions_by_legal_name ON versions (account_id, is_former, legal_name, vehicle_id)
    WHERE legal_name <> '';
