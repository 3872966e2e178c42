-- +goose Up
CREATE INDEX sessions_parent ON sessions (parent_id);
CREATE INDEX sessions_client ON sessions (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX sessions_grant ON sessions (grant_id) WHERE grant_id IS NOT NULL;

-- +goose Down
DROP INDEX sessions_grant;
DROP INDEX sessions_client;
DROP INDEX sessions_parent;
