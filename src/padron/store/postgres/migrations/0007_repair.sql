-- Finds the VINs that several current vehicles have. From here on a slot below 0 marks a vehicle that is former.

CREATE INDEX vehicles_duplicate ON vehicles (account_id, vin) WHERE slot > 0;
