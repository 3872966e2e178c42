-- +goose Up
-- What an e-mail asks its receiver to prove: the link's token and the code are
-- kept as hashes. That it was used stands in burned_secrets, under token_hash.
CREATE TABLE email_challenges (
    id           text PRIMARY KEY,
    address      text NOT NULL,
    purpose      text NOT NULL CHECK (purpose IN ('sign_in', 'link', 'step_up')),
    browser_hash blob NOT NULL CHECK (length(browser_hash) = 32),
    user_id      text REFERENCES users (id) ON DELETE CASCADE,
    session_id   text REFERENCES sessions (id) ON DELETE CASCADE,
    token_hash   blob NOT NULL CHECK (length(token_hash) = 32),
    code_hash    blob NOT NULL CHECK (length(code_hash) = 32),
    wrong_codes  integer NOT NULL DEFAULT 0,
    created_at   timestamp NOT NULL,
    expires_at   timestamp NOT NULL,
    replaced_at  timestamp,
    CONSTRAINT email_challenges_token UNIQUE (token_hash),
    CONSTRAINT email_challenges_session CHECK ((purpose = 'sign_in') = (session_id IS NULL) AND (session_id IS NULL) = (user_id IS NULL))
);
CREATE INDEX email_challenges_address ON email_challenges (address, created_at);
CREATE INDEX email_challenges_browser ON email_challenges (browser_hash, created_at);
CREATE INDEX email_challenges_expires ON email_challenges (expires_at);
CREATE INDEX email_challenges_user ON email_challenges (user_id);
CREATE INDEX email_challenges_session_id ON email_challenges (session_id);

-- Work to be done after its transaction committed. The payload is sealed, and
-- the row goes as soon as the work is done or has no use any more.
CREATE TABLE outbox (
    id              text PRIMARY KEY,
    kind            text NOT NULL,
    payload         blob NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    created_at      timestamp NOT NULL,
    next_attempt_at timestamp NOT NULL,
    expires_at      timestamp NOT NULL
);
CREATE INDEX outbox_due ON outbox (next_attempt_at);

-- +goose Down
DROP TABLE outbox;
DROP TABLE email_challenges;
