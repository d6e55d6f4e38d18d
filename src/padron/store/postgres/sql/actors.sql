-- Who the authors of an account's changes are. Both engines' files have the same names in the same order.

-- name: find_actors
-- The kind, the id and the name of those of some authors that belong to the account.
SELECT 'key', k.key_id, k.label FROM api_keys AS k WHERE k.account_id = $1 AND k.key_id = ANY($2::text[]);
