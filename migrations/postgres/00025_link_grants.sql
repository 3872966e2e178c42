-- +goose Up
-- What an operator lets a refused sign-in method do: ask to be linked to the user
-- whose address it proved, where the policy would not let it.
CREATE TABLE link_grants (
    id         uuid NOT NULL PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id),
    provider   text NOT NULL,
    subject    text NOT NULL,
    granted_by uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT link_grants_identity UNIQUE (user_id, provider, subject)
);
CREATE INDEX link_grants_expires ON link_grants (expires_at);

-- +goose Down
DROP TABLE link_grants;
