-- +goose Up
-- Users who are leaving, and those whose personal values were erased: their rows stay,
-- so that ids in the audit trail keep a meaning. A replica that does not know this
-- table sees a disabled user.
CREATE TABLE deletions (
    user_id      text NOT NULL PRIMARY KEY REFERENCES users (id),
    requested_by text, -- the user or the API key; NULL for the command line
    requested_at timestamp NOT NULL,
    deletes_at   timestamp NOT NULL,
    restores_to  text NOT NULL CHECK (restores_to IN ('active', 'disabled')),
    erased_at    timestamp
);
CREATE INDEX deletions_due ON deletions (deletes_at) WHERE erased_at IS NULL;

-- +goose Down
DROP TABLE deletions;
