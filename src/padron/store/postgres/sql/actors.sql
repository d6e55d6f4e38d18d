-- Who the authors of an account's changes are. Both engines' files have the same names in the same order.

-- name: find_actors
-- The kind, the id and the name of those of some authors that belong to the account.
SELECT 'key', k.key_id, k.label FROM api_keys AS k WHERE k.account_id = $1 AND k.key_id = ANY($2::text[])
UNION ALL
SELECT 'person', u.user_id, u.name FROM known_people AS p JOIN users AS u USING (user_id)
WHERE p.account_id = $1 AND p.user_id = ANY($2::text[]);

-- name: note_known_person
-- A person who became a member. The account's record may name the person from now on.
INSERT INTO known_people (account_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING;
