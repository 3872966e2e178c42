-- +goose Up
-- Old events of the trail are exported to files and then dropped (docs/audit.md). What
-- is behind a checkpoint may be deleted, and nothing else.

-- The files, in their order.
CREATE TABLE audit_archives (
    number     integer PRIMARY KEY CHECK (number > 0),
    name       text NOT NULL UNIQUE,
    digest     blob NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the file
    events     integer NOT NULL CHECK (events > 0),
    bytes      integer NOT NULL CHECK (bytes > 0),
    oldest     timestamp NOT NULL,
    newest     timestamp NOT NULL,
    created_at timestamp NOT NULL
);

-- The last event of each chain that is in a file. The place is that of the last one
-- that was sealed, NULL before there is one.
CREATE TABLE audit_checkpoints (
    chain    text NOT NULL PRIMARY KEY,
    seq      integer NOT NULL CHECK (seq > 0),
    hash     blob NOT NULL CHECK (length(hash) = 32),
    epoch    integer,
    position integer,
    event_id text,
    archive  integer NOT NULL REFERENCES audit_archives (number),
    dropped  boolean NOT NULL DEFAULT false, -- nothing is left of what is behind it
    CONSTRAINT audit_checkpoints_place CHECK ((epoch IS NULL) = (event_id IS NULL) AND (position IS NULL) = (event_id IS NULL))
);
CREATE INDEX audit_checkpoints_archive ON audit_checkpoints (archive);
CREATE INDEX audit_checkpoints_to_drop ON audit_checkpoints (chain) WHERE NOT dropped;

-- The replica that exports.
CREATE TABLE audit_archiver (
    id           integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    leased_by    text,
    leased_until timestamp
);
INSERT INTO audit_archiver (id) VALUES (1);

DROP TRIGGER audit_events_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
WHEN NOT EXISTS (SELECT 1 FROM audit_checkpoints AS c
    WHERE c.chain = coalesce(OLD.team_id, '00000000-0000-0000-0000-000000000000')
    AND CASE WHEN OLD.seq > 0 THEN OLD.seq <= c.seq ELSE OLD.seq = 0 AND OLD.position <= c.position END)
BEGIN
    SELECT RAISE(ABORT, 'audit_events: audit events are never changed or deleted');
END;
-- +goose StatementEnd
DROP TRIGGER audit_seals_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_seals_no_delete BEFORE DELETE ON audit_seals
WHEN NOT EXISTS (SELECT 1 FROM audit_checkpoints AS c WHERE c.chain = OLD.chain AND OLD.seq + length(OLD.links) / 36 - 1 <= c.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit_seals: audit events are never changed or deleted');
END;
-- +goose StatementEnd

-- A checkpoint is an event that is there, and it only moves on.
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_there BEFORE INSERT ON audit_checkpoints
WHEN NOT EXISTS (SELECT 1 FROM audit_seals AS s JOIN audit_events AS a ON a.id = NEW.event_id
        WHERE s.chain = NEW.chain AND NEW.seq >= s.seq AND NEW.seq < s.seq + length(s.links) / 36
        AND substr(s.links, (NEW.seq - s.seq) * 36 + 5, 32) = NEW.hash
        AND lower(hex(substr(s.links, (NEW.seq - s.seq) * 36 + 1, 4))) = substr(a.id, -8)
        AND coalesce(a.team_id, '00000000-0000-0000-0000-000000000000') = NEW.chain AND a.seq = 0 AND a.position = NEW.position)
    AND NOT (NEW.event_id IS NULL AND EXISTS (SELECT 1 FROM audit_events AS a
        WHERE coalesce(a.team_id, '00000000-0000-0000-0000-000000000000') = NEW.chain AND a.seq = NEW.seq AND a.hash = NEW.hash))
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints: a checkpoint is an event of its chain');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_no_return BEFORE UPDATE ON audit_checkpoints
WHEN (NEW.chain, NEW.seq, NEW.hash, NEW.epoch, NEW.position, NEW.event_id, NEW.archive)
    IS NOT (OLD.chain, OLD.seq, OLD.hash, OLD.epoch, OLD.position, OLD.event_id, OLD.archive)
    AND (NEW.chain <> OLD.chain OR NEW.seq <= OLD.seq
        OR NOT EXISTS (SELECT 1 FROM audit_seals AS s JOIN audit_events AS a ON a.id = NEW.event_id
            WHERE s.chain = NEW.chain AND NEW.seq >= s.seq AND NEW.seq < s.seq + length(s.links) / 36
            AND substr(s.links, (NEW.seq - s.seq) * 36 + 5, 32) = NEW.hash
            AND lower(hex(substr(s.links, (NEW.seq - s.seq) * 36 + 1, 4))) = substr(a.id, -8)
            AND coalesce(a.team_id, '00000000-0000-0000-0000-000000000000') = NEW.chain AND a.seq = 0 AND a.position = NEW.position)
        AND NOT ((NEW.epoch, NEW.position, NEW.event_id) IS (OLD.epoch, OLD.position, OLD.event_id) AND EXISTS (SELECT 1 FROM audit_events AS a
            WHERE coalesce(a.team_id, '00000000-0000-0000-0000-000000000000') = NEW.chain AND a.seq = NEW.seq AND a.hash = NEW.hash)))
BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints: a checkpoint is an event of its chain, and only moves on');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints BEGIN
    SELECT RAISE(ABORT, 'audit_checkpoints: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_archives_no_update BEFORE UPDATE ON audit_archives BEGIN
    SELECT RAISE(ABORT, 'audit_archives: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_archives_no_delete BEFORE DELETE ON audit_archives BEGIN
    SELECT RAISE(ABORT, 'audit_archives: audit events are never changed or deleted');
END;
-- +goose StatementEnd

-- +goose Down
-- What was dropped stays in its files.
DROP TRIGGER audit_events_no_delete;
DROP TRIGGER audit_seals_no_delete;
DROP TABLE audit_archiver;
DROP TABLE audit_checkpoints;
DROP TABLE audit_archives;
-- +goose StatementBegin
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN
    SELECT RAISE(ABORT, 'audit_events: audit events are never changed or deleted');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_seals_no_delete BEFORE DELETE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'audit_seals: audit events are never changed or deleted');
END;
-- +goose StatementEnd
