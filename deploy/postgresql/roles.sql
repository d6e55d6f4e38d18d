-- Two roles for a database that padron_owner owns. Run it once for each such database, as an administrator:
--
--     psql -d padron -v ON_ERROR_STOP=1 -f roles.sql
--
-- padron_owner owns the tables, and runs `padron migrate` and `padron restore`. padron runs the servers and all other
-- commands: it reads and writes rows, and cannot change or remove a table.

REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO padron;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO padron_owner;
GRANT USAGE ON SCHEMA public TO padron;

-- For the tables that migrations will make, and for those that are there.
ALTER DEFAULT PRIVILEGES FOR ROLE padron_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO padron;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO padron;

-- `padron backup` reads the sequences, too. Nothing else needs them.
ALTER DEFAULT PRIVILEGES FOR ROLE padron_owner IN SCHEMA public
    GRANT SELECT ON SEQUENCES TO padron;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO padron;
