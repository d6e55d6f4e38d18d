-- By request first: the ids of requests rise, so calls of different accounts that are saved together meet on few pages.
DROP INDEX changes_by_request;
CREATE INDEX changes_by_request ON changes (request_id, account_id, number);
