-- +goose Up
-- Only hashes: a code is shown once. Used ones go, so what is here works.
CREATE TABLE recovery_codes (
    code_hash  blob NOT NULL PRIMARY KEY CHECK (length(code_hash) = 32),
    user_id    text NOT NULL REFERENCES users (id),
    created_at timestamp NOT NULL
);
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);

-- A session that came in by a recovery code and has not added a way in yet.
ALTER TABLE sessions ADD COLUMN restricted boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE sessions DROP COLUMN restricted;
DROP TABLE recovery_codes;
