-- +goose Up
-- Keys that sign access tokens. The private half is sealed under a key derived
-- from LATCHKEY_SECRET; the public half is what the JWKS tells, as it is.
CREATE TABLE signing_keys (
    kid        text NOT NULL PRIMARY KEY,
    alg        text NOT NULL CHECK (alg IN ('EdDSA', 'ES256')),
    public_jwk text NOT NULL,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL,
    active_at  timestamptz NOT NULL,
    expires_at timestamptz,
    CONSTRAINT signing_keys_active_after_created CHECK (active_at >= created_at),
    CONSTRAINT signing_keys_expire_after_active CHECK (expires_at > active_at)
);
CREATE UNIQUE INDEX signing_keys_one_newest ON signing_keys ((expires_at IS NULL)) WHERE expires_at IS NULL;

-- A family is the refresh tokens that followed one another. None of them is kept:
-- each is a MAC over the seed and its number, under a key derived from
-- LATCHKEY_SECRET, so that the same parent always gives the same successor.
CREATE TABLE refresh_families (
    id              uuid NOT NULL PRIMARY KEY,
    session_id      uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id         uuid NOT NULL REFERENCES users (id),
    team_session_id uuid REFERENCES team_sessions (id) ON DELETE CASCADE,
    role            text CHECK (role IN ('owner', 'admin', 'member')),
    client_id       text NOT NULL CHECK (client_id <> ''),
    seed            bytea NOT NULL CHECK (length(seed) = 32),
    generation      integer NOT NULL CHECK (generation > 0),
    created_at      timestamptz NOT NULL,
    rotated_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    end_reason      text,
    CONSTRAINT refresh_families_team CHECK ((team_session_id IS NULL) = (role IS NULL)),
    CONSTRAINT refresh_families_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX refresh_families_session ON refresh_families (session_id, id);

-- +goose Down
DROP TABLE refresh_families;
DROP TABLE signing_keys;
