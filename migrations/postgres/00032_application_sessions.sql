-- +goose Up
-- Sessions of applications. One is made where an application's authorization is used,
-- has no token, and ends with the browser's session that it was made in (parent_id)
-- unless it is offline. A replica that does not know these columns makes sessions of
-- browsers. Rows that are there are not looked at here: 00043 does, beside traffic.
ALTER TABLE sessions
    ADD COLUMN kind text NOT NULL DEFAULT 'browser',
    ADD COLUMN client_id text,
    ADD COLUMN grant_id uuid,
    ADD COLUMN parent_id uuid,
    ADD COLUMN offline boolean NOT NULL DEFAULT false,
    ADD COLUMN scopes text NOT NULL DEFAULT '',
    ADD COLUMN resources text NOT NULL DEFAULT '',
    ADD COLUMN signed_in_at timestamptz; -- of the person; NULL where that is created_at
ALTER TABLE sessions
    ADD CONSTRAINT sessions_kind_check CHECK (kind IN ('browser', 'application')) NOT VALID,
    ADD CONSTRAINT sessions_client_check CHECK ((kind = 'application') = (client_id IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT sessions_grant_check CHECK (grant_id IS NULL OR kind = 'application') NOT VALID,
    ADD CONSTRAINT sessions_parent_check CHECK (parent_id IS NULL OR kind = 'application') NOT VALID,
    ADD CONSTRAINT sessions_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES sessions (id) ON DELETE SET NULL NOT VALID;

-- +goose Down
DELETE FROM sessions WHERE kind = 'application';
ALTER TABLE sessions DROP COLUMN signed_in_at;
ALTER TABLE sessions DROP COLUMN resources;
ALTER TABLE sessions DROP COLUMN scopes;
ALTER TABLE sessions DROP COLUMN offline;
ALTER TABLE sessions DROP COLUMN parent_id;
ALTER TABLE sessions DROP COLUMN grant_id;
ALTER TABLE sessions DROP COLUMN client_id;
ALTER TABLE sessions DROP COLUMN kind;
