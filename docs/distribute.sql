-- Spreads an empty or a filled register over the nodes of a Citus cluster, by account. Run it once, on the
-- coordinator, after `padron migrate`, while no server runs. A test compares it with the schema.

-- The directory and the people are copied to every node. They are small, every node reads them, and they are written
-- only when an account is added, a backup was restored, or somebody signs in.
SELECT create_reference_table('accounts');
SELECT create_reference_table('former_accounts');
SELECT create_reference_table('schema_migrations');
SELECT create_reference_table('register');
SELECT create_reference_table('users');
SELECT create_reference_table('members');
SELECT create_reference_table('known_people');
SELECT create_reference_table('sessions');
SELECT create_reference_table('invitations');
SELECT create_reference_table('sign_ins');
SELECT create_reference_table('user_identities');
SELECT create_reference_table('provided_members');
SELECT create_reference_table('saved_views');
SELECT create_reference_table('chosen_views');
SELECT create_reference_table('pending_sign_ins');
SELECT create_reference_table('passkeys');
SELECT create_reference_table('passkey_challenges');

-- Everything else is stored with its account. There is one group of shards, so that all rows of an account are on one
-- node. A table comes after the tables that it refers to.
SELECT create_distributed_table('counters', 'account_id', colocate_with => 'none');
SELECT create_distributed_table('api_keys', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('administration', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('vehicles', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('identities', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('versions', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('search_texts', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('changes', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('gate_refusals', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('operations', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('runs', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('refusals', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('work', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('results', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('webhook_endpoints', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('webhook_deliveries', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('webhook_attempts', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('idempotency_keys', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('idempotency_totals', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('imports', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('import_mappings', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('import_parts', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('import_refusals', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('selections', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('selected_vehicles', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('selection_faults', 'account_id', colocate_with => 'counters');
SELECT create_distributed_table('planned_changes', 'account_id', colocate_with => 'counters');
