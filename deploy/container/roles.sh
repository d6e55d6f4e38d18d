#!/bin/sh
# Makes the two roles and the database of Padrón when the container of PostgreSQL starts for the first time.
set -eu

psql -v ON_ERROR_STOP=1 -v owner="$OWNER_PASSWORD" -v server="$PADRON_PASSWORD" --dbname postgres <<'SQL'
CREATE ROLE padron_owner LOGIN PASSWORD :'owner';
CREATE ROLE padron LOGIN PASSWORD :'server';
CREATE DATABASE padron OWNER padron_owner;
SQL
psql -v ON_ERROR_STOP=1 --dbname padron --file "${ROLES_FILE:-/roles.sql}"
