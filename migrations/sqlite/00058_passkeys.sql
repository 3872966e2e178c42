-- +goose Up
-- Passkeys: what is kept of a credential (WebAuthn) beside its identity, whose subject is
-- the credential's id. The public key is a COSE_Key.
CREATE TABLE passkeys (
    identity_id        text NOT NULL PRIMARY KEY REFERENCES identities (id) ON DELETE CASCADE,
    user_handle        blob NOT NULL CHECK (length(user_handle) BETWEEN 1 AND 64),
    public_key         blob NOT NULL CHECK (length(public_key) > 0),
    sign_count         integer NOT NULL CHECK (sign_count >= 0),
    backup_eligible    boolean NOT NULL,
    backed_up          boolean NOT NULL,
    transports         text NOT NULL,
    clone_suspected_at timestamp,
    CONSTRAINT passkeys_backup CHECK (backup_eligible OR NOT backed_up)
);
-- What authenticators keep a user's passkeys under. It is random, so that somebody who has the
-- authenticator learns no id from it, and of one user for ever, also after a merge.
CREATE TABLE passkey_handles (
    user_id text NOT NULL PRIMARY KEY REFERENCES users (id),
    handle  blob NOT NULL UNIQUE CHECK (length(handle) = 32)
);

-- +goose Down
DROP TABLE passkey_handles;
DROP TABLE passkeys;
