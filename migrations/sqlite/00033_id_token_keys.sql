-- +goose Up
-- Keys that sign ID tokens in an algorithm other than that of access tokens. They are
-- apart from signing_keys because a replica that does not know them would sign
-- access tokens with the newest.
CREATE TABLE id_token_keys (
    kid        text NOT NULL PRIMARY KEY,
    alg        text NOT NULL CHECK (alg IN ('RS256', 'ES256', 'EdDSA')),
    public_jwk text NOT NULL,
    sealed     blob NOT NULL,
    created_at timestamp NOT NULL,
    active_at  timestamp NOT NULL,
    expires_at timestamp,
    CONSTRAINT id_token_keys_active_after_created CHECK (active_at >= created_at),
    CONSTRAINT id_token_keys_expire_after_active CHECK (expires_at > active_at)
);
CREATE UNIQUE INDEX id_token_keys_one_newest ON id_token_keys (alg) WHERE expires_at IS NULL;

-- Which users a client was told of: it learns of former ids that it knows, and of no
-- others.
CREATE TABLE client_subjects (
    client_id  text NOT NULL CHECK (client_id <> ''),
    user_id    text NOT NULL REFERENCES users (id),
    created_at timestamp NOT NULL,
    PRIMARY KEY (client_id, user_id)
);
CREATE INDEX client_subjects_user ON client_subjects (user_id);

-- +goose Down
DROP TABLE client_subjects;
DROP TABLE id_token_keys;
