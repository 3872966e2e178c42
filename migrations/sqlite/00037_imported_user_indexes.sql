-- +goose Up
CREATE UNIQUE INDEX users_external_id ON users (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX users_suspended_until ON users (suspended_until) WHERE suspended_until IS NOT NULL;

-- +goose Down
DROP INDEX users_suspended_until;
DROP INDEX users_external_id;
