-- +goose Up
-- How often an address was invited in the last day, by whatever team, closed
-- invitations too: it limits the mail it gets.
CREATE INDEX invitations_email_made ON invitations (email, created_at) WHERE email IS NOT NULL;

-- +goose Down
DROP INDEX invitations_email_made;
