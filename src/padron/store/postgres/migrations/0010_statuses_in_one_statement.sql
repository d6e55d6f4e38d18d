-- What save_statuses calls: the same as the statement withdraw_work, with a look of its own at what is committed.
CREATE FUNCTION withdraw_work(bigint, bigint[], timestamptz[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE work AS w SET state = 'withdrawn', ended_at = held.at
    FROM (
        SELECT o.run_id, o.vehicle_id, d.at
        FROM unnest($2::bigint[], $3::timestamptz[]) AS d (vehicle_id, at) CROSS JOIN LATERAL (
            SELECT run_id, vehicle_id FROM work
            WHERE account_id = $1 AND vehicle_id = d.vehicle_id AND state IN ('queued', 'claimed', 'exhausted')
            ORDER BY run_id FOR UPDATE) AS o
    ) AS held
    WHERE w.account_id = $1 AND w.run_id = held.run_id AND w.vehicle_id = held.vehicle_id;
    RETURN true;
END $$;
