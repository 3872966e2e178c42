-- +goose Up
-- Personal values of events are in the trail as ciphertext, under keys of their own
-- (docs/audit.md): without its key a value is gone, and the chains are what they were.
-- A replica that does not know these tables writes values in plain.

-- What keys are derived from, with their salts, sealed under LATCHKEY_SECRET.
CREATE TABLE audit_secrets (
    id     integer PRIMARY KEY CHECK (id > 0),
    sealed blob NOT NULL
);

-- owner is whose values they are: a user's id, or a keyed hash of an address or a
-- subject for somebody who was no user. ip is for the filter, and emptied with time.
CREATE TABLE audit_keys (
    event_id  text NOT NULL,
    part      integer NOT NULL CHECK (part >= 0),
    owner     blob NOT NULL CHECK (length(owner) IN (16, 32)),
    secret_id integer NOT NULL CHECK (secret_id >= 0), -- 0 for none
    salt      blob NOT NULL CHECK (length(salt) = 16),
    ip        text CHECK (ip <> ''),
    PRIMARY KEY (event_id, part)
);
CREATE INDEX audit_keys_owner ON audit_keys (owner);
CREATE INDEX audit_keys_ip ON audit_keys (ip, event_id) WHERE ip IS NOT NULL;

-- Events up to here have no ip in audit_keys any more.
CREATE TABLE audit_networks (
    id       integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    event_id text NOT NULL
);
INSERT INTO audit_networks (event_id) VALUES ('00000000-0000-0000-0000-000000000000');

-- +goose Down
DROP TABLE audit_networks;
DROP TABLE audit_keys;
DROP TABLE audit_secrets;
