-- Look-ups for many vehicles at once, by name: the same names, in the same order, as in the other engine's file.

-- name: lock_by_vins
-- Empty: lock_by_vin takes any number.

-- name: lock_by_plates
-- Empty: lock_by_plate takes any number.

-- name: load_many_details
-- Empty: load_details takes any number.
