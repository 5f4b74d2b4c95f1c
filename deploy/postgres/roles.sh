#!/bin/bash
# Creates two roles when the data folder is new: the owner creates and migrates schemas, the app
# reads and writes rows. Default privileges give the app its rights in every later schema.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v owner_password="${OWNER_PASSWORD:?}" -v app_password="${APP_PASSWORD:?}" \
    --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
CREATE ROLE lastmile_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE lastmile_app LOGIN PASSWORD :'app_password';
CREATE DATABASE lastmile OWNER lastmile_owner;
REVOKE ALL ON DATABASE lastmile FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE lastmile TO lastmile_app;
\connect lastmile
ALTER SCHEMA public OWNER TO lastmile_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO lastmile_app;
ALTER DEFAULT PRIVILEGES FOR ROLE lastmile_owner GRANT USAGE ON SCHEMAS TO lastmile_app;
ALTER DEFAULT PRIVILEGES FOR ROLE lastmile_owner
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO lastmile_app;
ALTER DEFAULT PRIVILEGES FOR ROLE lastmile_owner GRANT USAGE, SELECT ON SEQUENCES TO lastmile_app;
SQL
