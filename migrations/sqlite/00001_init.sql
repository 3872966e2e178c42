-- +goose Up
CREATE TABLE users (
    id            text NOT NULL PRIMARY KEY,
    display_name  text NOT NULL DEFAULT '',
    avatar_url    text NOT NULL DEFAULT '',
    primary_email text,
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'merged')),
    merged_into   text REFERENCES users (id),
    operator      boolean NOT NULL DEFAULT false,
    onboarded_at  timestamp,
    metadata      text NOT NULL DEFAULT '{}',
    created_at    timestamp NOT NULL,
    updated_at    timestamp NOT NULL,
    -- The primary address is one of the user's own verified ones.
    CONSTRAINT users_primary_email_is_own FOREIGN KEY (id, primary_email) REFERENCES emails (user_id, address),
    CONSTRAINT users_tombstone CHECK ((status = 'merged') = (merged_into IS NOT NULL)),
    CONSTRAINT users_not_merged_into_self CHECK (merged_into <> id),
    CONSTRAINT users_tombstone_is_no_operator CHECK (status <> 'merged' OR NOT operator)
);

CREATE TABLE emails (
    address     text NOT NULL PRIMARY KEY,
    user_id     text NOT NULL REFERENCES users (id),
    source      text NOT NULL,
    verified_at timestamp NOT NULL,
    CONSTRAINT emails_of_user UNIQUE (user_id, address)
);

CREATE TABLE identities (
    id                  text NOT NULL PRIMARY KEY,
    user_id             text NOT NULL REFERENCES users (id),
    provider            text NOT NULL,
    subject             text NOT NULL,
    label               text NOT NULL DEFAULT '',
    email               text NOT NULL DEFAULT '',
    email_authoritative boolean NOT NULL DEFAULT false,
    wallet_address      text,
    wallet_chain_id     integer CHECK (wallet_chain_id > 0),
    wallet_kind         text CHECK (wallet_kind IN ('eoa', 'contract')),
    terms_version       text NOT NULL DEFAULT '',
    is_primary          boolean NOT NULL DEFAULT false,
    created_at          timestamp NOT NULL,
    last_used_at        timestamp NOT NULL,
    CONSTRAINT identities_provider_subject UNIQUE (provider, subject),
    CONSTRAINT identities_wallet CHECK (
        (provider = 'siwe') = (wallet_address IS NOT NULL)
        AND (wallet_address IS NULL) = (wallet_chain_id IS NULL)
        AND (wallet_address IS NULL) = (wallet_kind IS NULL)),
    CONSTRAINT identities_primary_is_wallet CHECK (NOT is_primary OR wallet_address IS NOT NULL)
);
CREATE INDEX identities_user ON identities (user_id, id);
CREATE INDEX identities_wallet_address ON identities (wallet_address) WHERE wallet_address IS NOT NULL;
CREATE UNIQUE INDEX identities_one_primary_wallet ON identities (user_id) WHERE is_primary;

CREATE TABLE sessions (
    id               text NOT NULL PRIMARY KEY,
    user_id          text NOT NULL REFERENCES users (id),
    identity_id      text REFERENCES identities (id) ON DELETE SET NULL,
    token_hash       blob NOT NULL CHECK (length(token_hash) = 32),
    team_session_id  text,
    methods          text NOT NULL,
    ip               text NOT NULL DEFAULT '',
    user_agent       text NOT NULL DEFAULT '',
    created_at       timestamp NOT NULL,
    authenticated_at timestamp NOT NULL,
    last_seen_at     timestamp NOT NULL,
    idle_expires_at  timestamp NOT NULL,
    expires_at       timestamp NOT NULL,
    ended_at         timestamp,
    end_reason       text,
    CONSTRAINT sessions_token UNIQUE (token_hash),
    CONSTRAINT sessions_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_identity ON sessions (identity_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE teams (
    id         text NOT NULL PRIMARY KEY,
    name       text NOT NULL CHECK (name <> ''),
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    deleted_at timestamp
);

CREATE TABLE memberships (
    team_id    text NOT NULL REFERENCES teams (id),
    user_id    text NOT NULL REFERENCES users (id),
    role       text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    created_at timestamp NOT NULL,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id, team_id);

CREATE TABLE team_sessions (
    id         text NOT NULL PRIMARY KEY,
    team_id    text NOT NULL REFERENCES teams (id),
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id    text NOT NULL REFERENCES users (id),
    created_at timestamp NOT NULL,
    ended_at   timestamp,
    end_reason text,
    ended_by   text REFERENCES users (id),
    CONSTRAINT team_sessions_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX team_sessions_team ON team_sessions (team_id, id);
CREATE INDEX team_sessions_user ON team_sessions (user_id, team_id);
CREATE UNIQUE INDEX team_sessions_one_open ON team_sessions (session_id, team_id) WHERE ended_at IS NULL;

CREATE TABLE invitations (
    id         text NOT NULL PRIMARY KEY,
    team_id    text NOT NULL REFERENCES teams (id),
    email      text,
    wallet     text,
    role       text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    invited_by text NOT NULL REFERENCES users (id),
    created_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    closed_at  timestamp,
    outcome    text CHECK (outcome IN ('accepted', 'declined', 'revoked')),
    CONSTRAINT invitations_target CHECK ((email IS NULL) <> (wallet IS NULL)),
    CONSTRAINT invitations_closed CHECK ((closed_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX invitations_team ON invitations (team_id, id);
CREATE UNIQUE INDEX invitations_one_open_email ON invitations (team_id, email) WHERE closed_at IS NULL AND email IS NOT NULL;
CREATE UNIQUE INDEX invitations_one_open_wallet ON invitations (team_id, wallet) WHERE closed_at IS NULL AND wallet IS NOT NULL;
CREATE INDEX invitations_email ON invitations (email) WHERE closed_at IS NULL;
CREATE INDEX invitations_wallet ON invitations (wallet) WHERE closed_at IS NULL;

-- Hashes of single-use secrets that have been used, until they expire by themselves.
CREATE TABLE burned_secrets (
    hash       blob NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    expires_at timestamp NOT NULL
);
CREATE INDEX burned_secrets_expires ON burned_secrets (expires_at);

-- What a refusal lets its receiver redeem: a merge of two proven users, or a
-- link that an older way in must confirm. Bound to one browser.
CREATE TABLE tickets (
    id             text NOT NULL PRIMARY KEY,
    token_hash     blob NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    kind           text NOT NULL CHECK (kind IN ('merge', 'link')),
    owner_id       text NOT NULL REFERENCES users (id),
    holder_id      text REFERENCES users (id),
    session_id     text REFERENCES sessions (id) ON DELETE CASCADE,
    browser_hash   blob NOT NULL CHECK (length(browser_hash) = 32),
    proof          text NOT NULL,
    created_at     timestamp NOT NULL,
    expires_at     timestamp NOT NULL,
    used_at        timestamp,
    CONSTRAINT tickets_merge_is_held CHECK (kind <> 'merge' OR (holder_id IS NOT NULL AND session_id IS NOT NULL))
);
CREATE INDEX tickets_expires ON tickets (expires_at);

CREATE TABLE audit_events (
    id         text NOT NULL PRIMARY KEY,
    at         timestamp NOT NULL,
    action     text NOT NULL,
    actor_id   text,
    user_id    text,
    team_id    text,
    session_id text,
    ip         text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT '',
    data       text NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_events_user ON audit_events (user_id, id);
CREATE INDEX audit_events_team ON audit_events (team_id, id) WHERE team_id IS NOT NULL;

-- +goose Down
DROP TABLE audit_events;
DROP TABLE tickets;
DROP TABLE burned_secrets;
DROP TABLE invitations;
DROP TABLE team_sessions;
DROP TABLE memberships;
DROP TABLE teams;
DROP TABLE sessions;
DROP TABLE identities;
-- emails and users point at each other.
UPDATE users SET primary_email = NULL;
DELETE FROM emails;
DROP TABLE users;
DROP TABLE emails;
