-- Who the authors of an account's changes are. Both engines' files have the same names in the same order.

-- name: find_actors
-- The kind, the id and the name of those of some authors that belong to the account.
SELECT 'key', k.key_id, k.label
FROM json_each(?2) AS asked CROSS JOIN api_keys AS k ON k.account_id = ?1 AND k.key_id = asked.value
UNION ALL
SELECT 'person', u.user_id, u.name
FROM json_each(?2) AS asked CROSS JOIN known_people AS p ON p.account_id = ?1 AND p.user_id = asked.value
CROSS JOIN users AS u ON u.user_id = p.user_id;

-- name: note_known_person
-- A person who became a member. The account's record may name the person from now on.
INSERT INTO known_people (account_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING;
