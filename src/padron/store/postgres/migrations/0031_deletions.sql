-- expand
-- Deletions are few among all changes. This index lists them without a walk through the record.
CREATE INDEX changes_deleted ON changes (account_id, number) WHERE type = 'deleted';
