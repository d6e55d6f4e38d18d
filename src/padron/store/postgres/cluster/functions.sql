-- What the statements of a shard call on its node, beside the functions of the schema. `padron migrate` makes them on
-- every node of a cluster.

-- Makes sure that a shard is on this node, until the end of the transaction. It takes the lock that Citus itself takes
-- for a change by way of its planner: so it waits for the end of a move, and the end of a move waits for it. What it
-- then sees is the newest, because each statement of a volatile function takes a snapshot of its own.
CREATE OR REPLACE FUNCTION hold_shard(shard bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_catalog.lock_shard_metadata(5, ARRAY[shard]);  -- 5 is ShareLock
    PERFORM FROM pg_catalog.pg_dist_placement AS p
    WHERE p.shardid = shard AND p.groupid = (SELECT l.groupid FROM pg_catalog.pg_dist_local_group AS l);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The shard % is not on this node.', shard USING ERRCODE = 'PD001';
    END IF;
    RETURN true;
END $$;

-- withdraw_work for one shard, whose table of work is the first argument.
CREATE OR REPLACE FUNCTION withdraw_work_of(shard text, bigint, bigint[], timestamptz[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'UPDATE %1$I AS w SET state = ''withdrawn'', ended_at = held.at
        FROM (
            SELECT o.run_id, o.vehicle_id, d.at
            FROM unnest($2, $3) AS d (vehicle_id, at) CROSS JOIN LATERAL (
                SELECT run_id, vehicle_id FROM %1$I
                WHERE account_id = $1 AND vehicle_id = d.vehicle_id AND state IN (''queued'', ''claimed'', ''exhausted'')
                ORDER BY run_id FOR UPDATE) AS o
        ) AS held
        WHERE w.account_id = $1 AND w.run_id = held.run_id AND w.vehicle_id = held.vehicle_id', shard)
    USING $2, $3, $4;
    RETURN true;
END $$;

-- withdraw_free_work for one shard.
CREATE OR REPLACE FUNCTION withdraw_free_work_of(shard text, bigint, bigint[], timestamptz[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE found_count bigint;
BEGIN
    EXECUTE format(
        'SELECT count(*) FROM unnest($2) AS d (vehicle_id) CROSS JOIN LATERAL (
            SELECT run_id FROM %1$I
            WHERE account_id = $1 AND vehicle_id = d.vehicle_id AND state IN (''queued'', ''claimed'', ''exhausted'')
            ORDER BY run_id FOR UPDATE NOWAIT) AS o', shard)
    INTO found_count USING $2, $3;
    IF found_count > 0 THEN
        RETURN withdraw_work_of(shard, $2, $3, $4);
    END IF;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END $$;
