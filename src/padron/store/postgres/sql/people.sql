-- People and their membership of accounts. Both engines' files have the same names in the same order.
-- People belong to the server, not to an account, so these statements cross accounts.

-- name: insert_user
-- A new person. No row, when another person has the e-mail address.
INSERT INTO users (user_id, email, name, language, time_zone, is_break_glass, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING RETURNING user_id;

-- name: find_user
-- A person by the id.
SELECT u.user_id, u.email, u.name, u.language, u.time_zone, u.theme, u.is_break_glass, u.created_at, u.disabled_at, u.erased_at,
    u.password_changed_at FROM users AS u
WHERE u.user_id = $1;

-- name: find_user_by_email
-- The person with an e-mail address, with the hash of the password.
SELECT u.user_id, u.email, u.name, u.language, u.time_zone, u.theme, u.is_break_glass, u.created_at, u.disabled_at, u.erased_at,
    u.password_changed_at,
    u.password_hash
FROM users AS u WHERE u.email = $1;

-- name: lock_user
-- A person, for a change. Whatever changes a person or a membership, or opens a session, locks the person first.
SELECT u.user_id, u.email, u.name, u.language, u.time_zone, u.theme, u.is_break_glass, u.created_at, u.disabled_at, u.erased_at,
    u.password_changed_at,
    u.password_hash
FROM users AS u WHERE u.user_id = $1 FOR NO KEY UPDATE;

-- name: list_users
-- People after an id, a page of them.
SELECT u.user_id, u.email, u.name, u.language, u.time_zone, u.theme, u.is_break_glass, u.created_at, u.disabled_at, u.erased_at,
    u.password_changed_at FROM users AS u
WHERE u.user_id > $1 ORDER BY u.user_id LIMIT $2;

-- name: save_user
-- What can be changed of a person. No row, when another person has the e-mail address.
UPDATE users SET email = $2, name = $3, language = $4, time_zone = $5, is_break_glass = $6, disabled_at = $7,
    erased_at = $8, theme = $9
WHERE user_id = $1 AND NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email = $2 AND other.user_id <> $1)
RETURNING user_id;

-- name: set_password
-- The hash of a person's password, and since when; NULL takes the password away.
UPDATE users SET password_hash = $2, password_changed_at = $3 WHERE user_id = $1;

-- name: renew_hash
-- The same password under other parameters, unless it changed meanwhile.
UPDATE users SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2;

-- name: lock_members
-- The lock to change an account's members, so that two transactions cannot take the last two owners away together.
SELECT account_id FROM accounts WHERE account_id = $1 FOR NO KEY UPDATE;

-- name: count_members
-- How many members an account has.
SELECT count(*) FROM members WHERE account_id = $1;

-- name: count_other_owners
-- How many people besides one are owners of an account and may sign in.
SELECT count(*) FROM members AS m JOIN users AS u USING (user_id)
WHERE m.account_id = $1 AND m.user_id <> $2 AND m.role = 'owner' AND m.suspended_at IS NULL AND u.disabled_at IS NULL AND u.erased_at IS NULL;

-- name: insert_member
-- A new member. No row, when the person is a member already.
INSERT INTO members (account_id, user_id, role, added_at, suspended_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, user_id) DO NOTHING RETURNING user_id;

-- name: find_member
-- One membership.
SELECT account_id, user_id, role, added_at, suspended_at FROM members WHERE account_id = $1 AND user_id = $2;

-- name: change_member
-- Another role for a member.
UPDATE members SET role = $3 WHERE account_id = $1 AND user_id = $2 RETURNING user_id;

-- name: suspend_member
-- Since when a member may not enter the account; NULL lets the person in again.
UPDATE members SET suspended_at = $3 WHERE account_id = $1 AND user_id = $2 RETURNING user_id;

-- name: delete_member
-- The end of a membership.
DELETE FROM members WHERE account_id = $1 AND user_id = $2 RETURNING user_id;

-- name: delete_memberships
-- The end of all of a person's memberships.
DELETE FROM members WHERE user_id = $1;

-- name: list_members
-- An account's members with the people, and whether another account has the person too.
SELECT u.user_id, u.email, u.name, u.language, u.time_zone, u.theme, u.is_break_glass, u.created_at, u.disabled_at, u.erased_at,
    u.password_changed_at,
    m.role, m.added_at, m.suspended_at, EXISTS (
        SELECT 1 FROM members AS o WHERE o.user_id = m.user_id AND o.account_id <> m.account_id) AS is_shared
FROM members AS m JOIN users AS u ON u.user_id = m.user_id WHERE m.account_id = $1 ORDER BY u.email, u.user_id;

-- name: list_memberships
-- A person's accounts, by name, disabled ones included.
SELECT m.account_id, a.name AS account_name, m.role, m.suspended_at
FROM members AS m JOIN accounts AS a ON a.account_id = m.account_id WHERE m.user_id = $1 ORDER BY a.name;

-- name: list_enabled_memberships
-- The accounts that a person can enter, by name.
SELECT m.account_id, a.name AS account_name, m.role, m.suspended_at
FROM members AS m JOIN accounts AS a ON a.account_id = m.account_id
WHERE m.user_id = $1 AND m.suspended_at IS NULL AND a.disabled_at IS NULL ORDER BY a.name;
