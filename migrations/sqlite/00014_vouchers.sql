-- +goose Up
-- One identity's statement that it owns an e-mail address. A row is kept for
-- good, also after its identity is unlinked: that is how a recycled address is
-- recognised. user_id is NULL for proofs that were refused.
CREATE TABLE vouchers (
    id               text PRIMARY KEY,
    address          text NOT NULL,
    provider         text NOT NULL, -- of the identity, or 'import:' and the source
    subject          text NOT NULL, -- of the identity, or the id in the source
    user_id          text REFERENCES users (id),
    first_vouched_at timestamp NOT NULL,
    last_vouched_at  timestamp NOT NULL,
    ended_at         timestamp,
    end_reason       text,
    settled_by       text REFERENCES users (id), -- the owner who said that the address is theirs all the same
    CONSTRAINT vouchers_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX vouchers_live ON vouchers (provider, subject, address) WHERE user_id IS NOT NULL AND ended_at IS NULL;
CREATE UNIQUE INDEX vouchers_refused ON vouchers (provider, subject, address) WHERE user_id IS NULL;
CREATE INDEX vouchers_address ON vouchers (address);
CREATE INDEX vouchers_identity ON vouchers (provider, subject);
CREATE INDEX vouchers_user ON vouchers (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX vouchers_settled_by ON vouchers (settled_by) WHERE settled_by IS NOT NULL;

-- What an identity vouches for now is its voucher.
INSERT INTO vouchers (id, address, provider, subject, user_id, first_vouched_at, last_vouched_at)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), i.email, i.provider, i.subject, i.user_id, i.created_at, i.last_used_at
FROM identities AS i WHERE i.email_authoritative AND i.email <> '';

-- An address that its source vouched for before, and now shows another one, is
-- that identity's until it next says what it has.
INSERT INTO vouchers (id, address, provider, subject, user_id, first_vouched_at, last_vouched_at)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), e.address, i.provider, i.subject, e.user_id, e.verified_at, e.verified_at
FROM emails AS e
JOIN identities AS i ON i.id = (
    SELECT o.id FROM identities AS o WHERE o.user_id = e.user_id AND o.provider = e.source ORDER BY o.created_at, o.id LIMIT 1)
WHERE NOT EXISTS (SELECT 1 FROM vouchers AS v WHERE v.address = e.address AND v.user_id = e.user_id);

-- All others were vouched for by an import, or by an identity that is gone.
INSERT INTO vouchers (id, address, provider, subject, user_id, first_vouched_at, last_vouched_at)
SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), e.address, 'import:' || e.source,
    coalesce((SELECT o.source_id FROM import_sources AS o WHERE o.user_id = e.user_id AND o.origin = e.source ORDER BY o.source_id LIMIT 1), CAST(e.user_id AS text)),
    e.user_id, e.verified_at, e.verified_at
FROM emails AS e
WHERE NOT EXISTS (SELECT 1 FROM vouchers AS v WHERE v.address = e.address AND v.user_id = e.user_id);

-- Identities that a user unlinked. One never joins that user by its address.
CREATE TABLE unlinked_identities (
    provider    text NOT NULL,
    subject     text NOT NULL,
    user_id     text NOT NULL REFERENCES users (id),
    unlinked_at timestamp NOT NULL,
    PRIMARY KEY (provider, subject, user_id)
);
CREATE INDEX unlinked_identities_user ON unlinked_identities (user_id);

-- Pairs noted at a sign-in: noted_for showed an address of the other.
CREATE TABLE duplicates_next (
    id         text PRIMARY KEY,
    first_id   text NOT NULL REFERENCES users (id),
    second_id  text NOT NULL REFERENCES users (id),
    kind       text NOT NULL CHECK (kind IN ('address', 'spelling', 'hint', 'sign_in')),
    reason     text NOT NULL,
    created_at timestamp NOT NULL,
    address    text NOT NULL DEFAULT '',
    noted_for  text REFERENCES users (id),
    CONSTRAINT duplicates_pair UNIQUE (first_id, second_id),
    CONSTRAINT duplicates_of_two CHECK (first_id < second_id)
);
INSERT INTO duplicates_next (id, first_id, second_id, kind, reason, created_at)
SELECT id, first_id, second_id, kind, reason, created_at FROM duplicates;
DROP TABLE duplicates;
ALTER TABLE duplicates_next RENAME TO duplicates;
CREATE INDEX duplicates_second_id ON duplicates (second_id);
CREATE INDEX duplicates_noted_for ON duplicates (noted_for) WHERE noted_for IS NOT NULL;

-- By what a merge ticket proves its owner: 'identity' or 'address'.
ALTER TABLE tickets ADD COLUMN ground text NOT NULL DEFAULT '';
CREATE INDEX tickets_owner ON tickets (owner_id);

-- +goose Down
DROP INDEX tickets_owner;
ALTER TABLE tickets DROP COLUMN ground;
DELETE FROM duplicates WHERE kind = 'sign_in';
DROP INDEX duplicates_noted_for;
CREATE TABLE duplicates_next (
    id         text PRIMARY KEY,
    first_id   text NOT NULL REFERENCES users (id),
    second_id  text NOT NULL REFERENCES users (id),
    kind       text NOT NULL CHECK (kind IN ('address', 'spelling', 'hint')),
    reason     text NOT NULL,
    created_at timestamp NOT NULL,
    CONSTRAINT duplicates_pair UNIQUE (first_id, second_id),
    CONSTRAINT duplicates_of_two CHECK (first_id < second_id)
);
INSERT INTO duplicates_next (id, first_id, second_id, kind, reason, created_at)
SELECT id, first_id, second_id, kind, reason, created_at FROM duplicates;
DROP TABLE duplicates;
ALTER TABLE duplicates_next RENAME TO duplicates;
CREATE INDEX duplicates_second_id ON duplicates (second_id);
DROP TABLE unlinked_identities;
DROP TABLE vouchers;
