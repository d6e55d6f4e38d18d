-- contract
-- Since when a member may not enter the account. A server of an earlier version would let the person in.
ALTER TABLE members ADD COLUMN suspended_at INTEGER;
