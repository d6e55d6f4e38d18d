-- Saved views of the list. Both engines' files have the same names in the same order. Views are few, and go with the
-- people: they are written when somebody saves one, or leaves.

-- name: list_views
-- The views that somebody sees: those that are shared, and their own.
SELECT view_id, name, query, shown_columns, made_by, is_shared, is_default, changed_at FROM saved_views WHERE account_id = $1 AND (is_shared OR made_by = $2) ORDER BY view_id;

-- name: save_view
-- A view, in the place of what it was.
INSERT INTO saved_views (account_id, view_id, name, query, shown_columns, made_by, is_shared, is_default, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (account_id, view_id) DO UPDATE SET name = excluded.name, query = excluded.query,
    shown_columns = excluded.shown_columns, made_by = excluded.made_by, is_shared = excluded.is_shared,
    is_default = excluded.is_default, changed_at = excluded.changed_at;

-- name: clear_default_view
-- Takes the default away from the account.
UPDATE saved_views SET is_default = false WHERE account_id = $1 AND is_default;

-- name: delete_view
-- The end of a view.
DELETE FROM saved_views WHERE account_id = $1 AND view_id = $2;

-- name: find_chosen_view
-- What a person chose to see first.
SELECT view_id FROM chosen_views WHERE account_id = $1 AND user_id = $2;

-- name: choose_view
-- What a person wants to see first, instead of what it was.
INSERT INTO chosen_views (account_id, user_id, view_id) VALUES ($1, $2, $3)
ON CONFLICT (account_id, user_id) DO UPDATE SET view_id = excluded.view_id;

-- name: forget_choice
-- Takes away what a person chose.
DELETE FROM chosen_views WHERE account_id = $1 AND user_id = $2;

-- name: forget_choices
-- Takes a view away from those who chose it, but for one person.
DELETE FROM chosen_views WHERE account_id = $1 AND view_id = $2 AND user_id <> $3;

-- name: delete_own_views
-- The views that somebody who leaves an account kept for themselves.
DELETE FROM saved_views WHERE account_id = $1 AND made_by = $2 AND NOT is_shared;

-- name: delete_own_views_everywhere
-- The same in all accounts.
DELETE FROM saved_views WHERE made_by = $1 AND NOT is_shared;

-- name: forget_choices_everywhere
-- What a person chose in all accounts.
DELETE FROM chosen_views WHERE user_id = $1;
