-- +goose Up
-- Each mail with a sign-in link, sent or waiting to be. They limit what a mailbox
-- gets, and are kept apart from the challenges so that these may go with their
-- user. The mailbox is a keyed hash of the address. token_hash is that of a link
-- which every browser that waited for the mail may redeem.
CREATE TABLE email_mails (
    id         text PRIMARY KEY,
    mailbox    blob NOT NULL CHECK (length(mailbox) = 32),
    known      boolean NOT NULL,
    token_hash blob CHECK (token_hash IS NULL OR length(token_hash) = 32),
    leaves_at  timestamp NOT NULL,
    CONSTRAINT email_mails_token UNIQUE (token_hash)
);
CREATE INDEX email_mails_mailbox ON email_mails (mailbox, leaves_at);
CREATE INDEX email_mails_leaves ON email_mails (leaves_at);

-- known: the browser had signed in to an account of the address before, or the user
-- who asked has it. mail_id names the shared mail that a challenge waited for.
ALTER TABLE email_challenges ADD COLUMN known boolean NOT NULL DEFAULT false;
ALTER TABLE email_challenges ADD COLUMN has_code boolean NOT NULL DEFAULT true;
ALTER TABLE email_challenges ADD COLUMN mail_id text;

-- +goose Down
ALTER TABLE email_challenges DROP COLUMN mail_id;
ALTER TABLE email_challenges DROP COLUMN has_code;
ALTER TABLE email_challenges DROP COLUMN known;
DROP TABLE email_mails;
