-- Which changes a page by an instant follows. Both engines' files have the same names in the same order.
-- All are empty: this engine has an index for each instant (docs/decisions/0089-time-orders.md).

-- name: list_accounts_to_follow

-- name: load_order_mark

-- name: begin_order

-- name: move_order_mark

-- name: save_block

-- name: delete_block

-- name: load_blocks

-- name: list_blocks_up

-- name: list_blocks_down

-- name: survey_changes

-- name: find_disorder

-- name: list_portion

-- name: find_last_status_before

-- name: list_changed_vehicles

-- name: find_change_from

-- name: count_current_between

-- name: list_no_registrations

-- name: count_not_active

-- name: choose_among

-- name: forget_order_marks
