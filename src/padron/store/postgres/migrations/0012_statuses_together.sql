-- What save_statuses calls for several accounts: withdraws an account's work as withdraw_work does, but waits for nobody.
-- Gives false, and has done nothing, when somebody holds some of it.
CREATE FUNCTION withdraw_free_work(bigint, bigint[], timestamptz[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM unnest($2) AS d (vehicle_id) CROSS JOIN LATERAL (
        SELECT run_id FROM work
        WHERE account_id = $1 AND vehicle_id = d.vehicle_id AND state IN ('queued', 'claimed', 'exhausted')
        ORDER BY run_id FOR UPDATE NOWAIT) AS o;
    IF FOUND THEN
        RETURN withdraw_work($1, $2, $3);
    END IF;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END $$;
