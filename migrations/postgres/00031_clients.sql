-- +goose Up
-- APIs that take access tokens of their own: what applications name as resource
-- (RFC 8707).
CREATE TABLE resources (
    uri        text NOT NULL PRIMARY KEY CHECK (uri <> ''),
    name       text NOT NULL,
    scopes     text NOT NULL,
    created_at timestamptz NOT NULL
);

-- Applications that may ask for a sign-in. Lists are words. A deleted one stays, so
-- that what refers to it keeps its name.
CREATE TABLE clients (
    id                    text NOT NULL PRIMARY KEY CHECK (id <> ''),
    name                  text NOT NULL CHECK (name <> ''),
    logo_uri              text NOT NULL,
    kind                  text NOT NULL CHECK (kind IN ('public', 'confidential')),
    secret_hash           bytea CHECK (length(secret_hash) = 32),
    previous_secret_hash  bytea CHECK (length(previous_secret_hash) = 32),
    previous_secret_until timestamptz,
    redirect_uris         text NOT NULL,
    post_logout_uris      text NOT NULL,
    backchannel_uri       text NOT NULL,
    grants                text NOT NULL CHECK (grants <> ''),
    scopes                text NOT NULL,
    resources             text NOT NULL,
    id_token_alg          text NOT NULL CHECK (id_token_alg IN ('RS256', 'ES256', 'EdDSA')),
    trusted               boolean NOT NULL,
    team_id               uuid REFERENCES teams (id),
    document_hash         bytea CHECK (length(document_hash) = 32),
    created_by            uuid REFERENCES users (id),
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    deleted_at            timestamptz,
    CONSTRAINT clients_secret CHECK ((kind = 'confidential') = (secret_hash IS NOT NULL)),
    CONSTRAINT clients_previous_secret CHECK ((previous_secret_hash IS NULL) = (previous_secret_until IS NULL)),
    CONSTRAINT clients_document CHECK (document_hash IS NULL OR kind = 'public' AND NOT trusted)
);

-- What a person lets an application do. One that was revoked stays, for the
-- sessions that were made by it.
CREATE TABLE client_grants (
    id            uuid NOT NULL PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users (id),
    client_id     text NOT NULL REFERENCES clients (id),
    team_id       uuid REFERENCES teams (id),
    scopes        text NOT NULL,
    resources     text NOT NULL,
    document_hash bytea CHECK (length(document_hash) = 32),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    revoked_at    timestamptz
);
CREATE UNIQUE INDEX client_grants_live ON client_grants (user_id, client_id) WHERE revoked_at IS NULL AND team_id IS NULL;
CREATE UNIQUE INDEX client_grants_live_in_team ON client_grants (user_id, client_id, team_id) WHERE revoked_at IS NULL AND team_id IS NOT NULL;
CREATE INDEX client_grants_of_client ON client_grants (client_id) WHERE revoked_at IS NULL;

-- +goose Down
DROP TABLE client_grants;
DROP TABLE clients;
DROP TABLE resources;
