-- +goose Up
-- Sessions of applications. One is made where an application's authorization is used,
-- has no token, and ends with the browser's session that it was made in (parent_id)
-- unless it is offline. A replica that does not know these columns makes sessions of
-- browsers.
ALTER TABLE sessions ADD COLUMN kind text NOT NULL DEFAULT 'browser' CHECK (kind IN ('browser', 'application'));
ALTER TABLE sessions ADD COLUMN client_id text CHECK ((kind = 'application') = (client_id IS NOT NULL));
ALTER TABLE sessions ADD COLUMN grant_id text CHECK (grant_id IS NULL OR kind = 'application');
ALTER TABLE sessions ADD COLUMN parent_id text REFERENCES sessions (id) ON DELETE SET NULL CHECK (parent_id IS NULL OR kind = 'application');
ALTER TABLE sessions ADD COLUMN offline boolean NOT NULL DEFAULT false;
ALTER TABLE sessions ADD COLUMN scopes text NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN resources text NOT NULL DEFAULT '';
-- When the person signed in; NULL where that is created_at.
ALTER TABLE sessions ADD COLUMN signed_in_at timestamp;

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
