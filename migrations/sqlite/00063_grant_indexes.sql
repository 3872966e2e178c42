-- +goose Up
-- What a person lets applications do.
CREATE INDEX client_grants_of_user ON client_grants (user_id, id) WHERE revoked_at IS NULL;
-- Grants that were revoked long ago, and for each what still refers to it.
CREATE INDEX client_grants_revoked ON client_grants (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX device_requests_of_grant ON device_requests (grant_id);

-- +goose Down
DROP INDEX device_requests_of_grant;
DROP INDEX client_grants_revoked;
DROP INDEX client_grants_of_user;
