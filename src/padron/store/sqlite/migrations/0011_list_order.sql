-- What pages of the list walk along. On this engine no index for instants: it would cost every status call a tenth.

CREATE INDEX versions_former ON versions (account_id, vehicle_id, began) WHERE is_former = 1;
CREATE INDEX versions_by_engine_number ON versions (account_id, is_former, engine_number, vehicle_id)
    WHERE engine_number <> '';
CREATE INDEX versions_by_legal_name ON versions (account_id, is_former, legal_name, vehicle_id)
    WHERE legal_name <> '';
