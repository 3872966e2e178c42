-- +goose Up
-- Requests of devices without a browser (RFC 8628), which a person decides about in
-- theirs. The id is that of the session that it makes, too. Only a hash of the device's
-- code and a MAC of the person's are kept.
CREATE TABLE device_requests (
    id            uuid NOT NULL PRIMARY KEY,
    client_id     text NOT NULL REFERENCES clients (id),
    device_hash   bytea NOT NULL UNIQUE CHECK (length(device_hash) = 32),
    user_mac      bytea NOT NULL UNIQUE CHECK (length(user_mac) = 32),
    scopes        text NOT NULL,
    resources     text NOT NULL,
    team_id       uuid, -- as it was asked for: there may be no such team
    ip            text NOT NULL,
    user_agent    text NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    poll_interval integer NOT NULL CHECK (poll_interval > 0), -- seconds
    polled_at     timestamptz,
    approved      boolean, -- NULL until a person decides
    user_id       uuid REFERENCES users (id),
    session_id    uuid, -- the browser's
    grant_id      uuid REFERENCES client_grants (id),
    decided_ip    text NOT NULL,
    used_at       timestamptz,
    CONSTRAINT device_requests_expiry CHECK (expires_at > created_at),
    CONSTRAINT device_requests_decision CHECK ((approved IS NULL) = (user_id IS NULL) AND (approved IS NULL) = (session_id IS NULL)),
    CONSTRAINT device_requests_grant CHECK (grant_id IS NULL OR approved IS TRUE),
    CONSTRAINT device_requests_use CHECK (used_at IS NULL OR approved IS TRUE)
);
CREATE INDEX device_requests_expires ON device_requests (expires_at);
CREATE INDEX device_requests_of_user ON device_requests (user_id) WHERE user_id IS NOT NULL;

-- +goose Down
DROP TABLE device_requests;
