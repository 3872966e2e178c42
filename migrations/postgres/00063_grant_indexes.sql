-- +goose NO TRANSACTION
-- +goose Up
-- What a person lets applications do.
DROP INDEX CONCURRENTLY IF EXISTS client_grants_of_user;
CREATE INDEX CONCURRENTLY client_grants_of_user ON client_grants (user_id, id) WHERE revoked_at IS NULL;
-- Grants that were revoked long ago, and for each what still refers to it.
DROP INDEX CONCURRENTLY IF EXISTS client_grants_revoked;
CREATE INDEX CONCURRENTLY client_grants_revoked ON client_grants (revoked_at) WHERE revoked_at IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS device_requests_of_grant;
CREATE INDEX CONCURRENTLY device_requests_of_grant ON device_requests (grant_id);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS device_requests_of_grant;
DROP INDEX CONCURRENTLY IF EXISTS client_grants_revoked;
DROP INDEX CONCURRENTLY IF EXISTS client_grants_of_user;
