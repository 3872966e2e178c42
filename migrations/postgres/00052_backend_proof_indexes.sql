-- +goose NO TRANSACTION
-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS sessions_key;
CREATE INDEX CONCURRENTLY sessions_key ON sessions (key_id, id) WHERE key_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS api_keys_proves;
CREATE INDEX CONCURRENTLY api_keys_proves ON api_keys (proves) WHERE proves <> '';

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS api_keys_proves;
DROP INDEX CONCURRENTLY IF EXISTS sessions_key;
