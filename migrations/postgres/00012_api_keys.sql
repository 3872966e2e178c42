-- +goose Up
-- Credentials of services. A key of the deployment has scopes; a key of a team
-- has a role in it, and no scope. Only the hash of the secret is kept.
CREATE TABLE api_keys (
    id           uuid NOT NULL PRIMARY KEY,
    prefix       text NOT NULL UNIQUE CHECK (length(prefix) = 12),
    secret_hash  bytea NOT NULL CHECK (length(secret_hash) = 32),
    name         text NOT NULL CHECK (name <> ''),
    scopes       text NOT NULL,
    team_id      uuid REFERENCES teams (id),
    role         text CHECK (role IN ('admin', 'member')),
    created_by   uuid REFERENCES users (id),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    replaced_by  uuid REFERENCES api_keys (id),
    CONSTRAINT api_keys_team CHECK ((team_id IS NULL) = (role IS NULL) AND (team_id IS NULL) <> (scopes = '')),
    CONSTRAINT api_keys_expire CHECK (expires_at > created_at)
);
CREATE INDEX api_keys_of_team ON api_keys (team_id, id) WHERE team_id IS NOT NULL;

-- +goose Down
DROP TABLE api_keys;
