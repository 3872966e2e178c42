-- +goose Up
-- A key with the scope proofs:write vouches for people under one provider of its own,
-- backend:<name>, and for addresses of the domains that are listed with it.
ALTER TABLE api_keys ADD COLUMN proves text NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN email_domains text NOT NULL DEFAULT '';
-- The API key that vouched for the person of a session; NULL for none.
ALTER TABLE sessions ADD COLUMN key_id uuid;
-- The API key that created a user, who has no sign-in method at first; NULL for one
-- who signed in or was imported.
ALTER TABLE users ADD COLUMN created_by_key uuid;

-- +goose Down
ALTER TABLE users DROP COLUMN created_by_key;
ALTER TABLE sessions DROP COLUMN key_id;
ALTER TABLE api_keys DROP COLUMN email_domains;
ALTER TABLE api_keys DROP COLUMN proves;
