"""A register that Citus spreads over several PostgreSQL servers, by account.

Citus keeps the shards: it makes them, copies, moves and lists them. An account's statements do not pass Citus' planner.
They go straight to the node that has the account, and name the tables of the account's own shard.
"""
