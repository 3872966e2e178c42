-- +goose NO TRANSACTION
-- +goose Up
-- Built beside traffic. One that was broken off is there, but of no use: hence the drop.
DROP INDEX CONCURRENTLY IF EXISTS users_external_id;
CREATE UNIQUE INDEX CONCURRENTLY users_external_id ON users (external_id) WHERE external_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS users_suspended_until;
CREATE INDEX CONCURRENTLY users_suspended_until ON users (suspended_until) WHERE suspended_until IS NOT NULL;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS users_suspended_until;
DROP INDEX CONCURRENTLY IF EXISTS users_external_id;
