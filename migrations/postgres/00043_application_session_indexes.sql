-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS sessions_parent;
CREATE INDEX CONCURRENTLY sessions_parent ON sessions (parent_id);
DROP INDEX CONCURRENTLY IF EXISTS sessions_client;
CREATE INDEX CONCURRENTLY sessions_client ON sessions (client_id, id) WHERE client_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS sessions_grant;
CREATE INDEX CONCURRENTLY sessions_grant ON sessions (grant_id) WHERE grant_id IS NOT NULL;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_kind_check;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_client_check;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_grant_check;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_parent_check;
ALTER TABLE sessions VALIDATE CONSTRAINT sessions_parent_id_fkey;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS sessions_grant;
DROP INDEX CONCURRENTLY IF EXISTS sessions_client;
DROP INDEX CONCURRENTLY IF EXISTS sessions_parent;
