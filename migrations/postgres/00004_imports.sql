-- +goose Up
-- Which user a user of another system became. Running an import again finds him
-- here, also after he has been merged or has unlinked what was imported.
CREATE TABLE import_sources (
    origin      text NOT NULL,
    source_id   text NOT NULL,
    user_id     uuid NOT NULL REFERENCES users (id),
    email       text NOT NULL DEFAULT '',
    imported_at timestamptz NOT NULL,
    PRIMARY KEY (origin, source_id)
);
CREATE INDEX import_sources_user ON import_sources (user_id);

-- Pairs of users who may be one person, each pair once.
CREATE TABLE duplicates (
    id         uuid PRIMARY KEY,
    first_id   uuid NOT NULL REFERENCES users (id),
    second_id  uuid NOT NULL REFERENCES users (id),
    kind       text NOT NULL CHECK (kind IN ('address', 'spelling', 'hint')),
    reason     text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT duplicates_pair UNIQUE (first_id, second_id),
    CONSTRAINT duplicates_of_two CHECK (first_id < second_id)
);
CREATE INDEX duplicates_second_id ON duplicates (second_id);

-- What hints are found by.
CREATE INDEX identities_email ON identities (email) WHERE email <> '';
CREATE INDEX users_display_name ON users (display_name) WHERE display_name <> '';

-- +goose Down
DROP INDEX users_display_name;
DROP INDEX identities_email;
DROP TABLE duplicates;
DROP TABLE import_sources;
