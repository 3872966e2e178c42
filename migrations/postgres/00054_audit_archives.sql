-- +goose Up
-- Old events of the trail are exported to files and then dropped (docs/audit.md). What
-- is behind a checkpoint may be deleted, and nothing else.

-- The files, in their order.
CREATE TABLE audit_archives (
    number     bigint PRIMARY KEY CHECK (number > 0),
    name       text NOT NULL UNIQUE,
    digest     bytea NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the file
    events     bigint NOT NULL CHECK (events > 0),
    bytes      bigint NOT NULL CHECK (bytes > 0),
    oldest     timestamptz NOT NULL,
    newest     timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);

-- The last event of each chain that is in a file. The place is that of the last one
-- that was sealed, NULL before there is one.
CREATE TABLE audit_checkpoints (
    chain    uuid PRIMARY KEY,
    seq      bigint NOT NULL CHECK (seq > 0),
    hash     bytea NOT NULL CHECK (length(hash) = 32),
    epoch    integer,
    position bigint,
    event_id uuid,
    archive  bigint NOT NULL REFERENCES audit_archives (number),
    dropped  boolean NOT NULL DEFAULT false, -- nothing is left of what is behind it
    CONSTRAINT audit_checkpoints_place CHECK ((epoch IS NULL) = (event_id IS NULL) AND (position IS NULL) = (event_id IS NULL))
);
CREATE INDEX audit_checkpoints_archive ON audit_checkpoints (archive);
CREATE INDEX audit_checkpoints_to_drop ON audit_checkpoints (chain) WHERE NOT dropped;

-- The replica that exports.
CREATE TABLE audit_archiver (
    id           integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    leased_by    uuid,
    leased_until timestamptz
);
INSERT INTO audit_archiver (id) VALUES (1);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_events' THEN
        IF EXISTS (SELECT 1 FROM audit_checkpoints AS c
            WHERE c.chain = coalesce(OLD.team_id, '00000000-0000-0000-0000-000000000000'::uuid)
            AND CASE WHEN OLD.seq > 0 THEN OLD.seq <= c.seq
                ELSE OLD.seq = 0 AND (OLD.epoch, OLD.position, OLD.id) <= (c.epoch, c.position, c.event_id) END) THEN
            RETURN OLD;
        END IF;
    ELSIF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_seals' THEN
        IF EXISTS (SELECT 1 FROM audit_checkpoints AS c WHERE c.chain = OLD.chain AND OLD.seq + length(OLD.links) / 36 - 1 <= c.seq) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '%: audit events are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd

-- A checkpoint is an event that is there, and it only moves on.
-- +goose StatementBegin
CREATE FUNCTION audit_checkpoint_is_there() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.chain, NEW.seq, NEW.hash, NEW.archive, NEW.event_id) IS NOT DISTINCT FROM (OLD.chain, OLD.seq, OLD.hash, OLD.archive, OLD.event_id)
            AND (NEW.epoch, NEW.position) IS NOT DISTINCT FROM (OLD.epoch, OLD.position) THEN
            RETURN NEW; -- that its events were dropped
        END IF;
        IF NEW.chain <> OLD.chain OR NEW.seq <= OLD.seq THEN
            RAISE EXCEPTION 'audit_checkpoints: a checkpoint only moves on' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF (EXISTS (SELECT 1 FROM audit_seals AS s JOIN audit_events AS a ON a.id = NEW.event_id
            WHERE s.chain = NEW.chain AND NEW.seq >= s.seq AND NEW.seq < s.seq + length(s.links) / 36
            AND substring(s.links FROM ((NEW.seq - s.seq) * 36 + 5)::integer FOR 32) = NEW.hash
            AND substring(s.links FROM ((NEW.seq - s.seq) * 36 + 1)::integer FOR 4) = substring(uuid_send(a.id) FROM 13)
            AND coalesce(a.team_id, '00000000-0000-0000-0000-000000000000'::uuid) = NEW.chain
            AND a.seq = 0 AND a.epoch = NEW.epoch AND a.position = NEW.position)
        OR EXISTS (SELECT 1 FROM audit_events AS a
            WHERE coalesce(a.team_id, '00000000-0000-0000-0000-000000000000'::uuid) = NEW.chain AND a.seq = NEW.seq AND a.hash = NEW.hash)
            AND CASE WHEN TG_OP = 'INSERT' THEN NEW.event_id IS NULL
                ELSE (NEW.epoch, NEW.position, NEW.event_id) IS NOT DISTINCT FROM (OLD.epoch, OLD.position, OLD.event_id) END) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_checkpoints: a checkpoint is an event of its chain' USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_checkpoints_there BEFORE INSERT OR UPDATE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_checkpoint_is_there();
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_archives_no_update BEFORE UPDATE ON audit_archives FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_archives_no_delete BEFORE DELETE ON audit_archives FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_archives_no_truncate BEFORE TRUNCATE ON audit_archives EXECUTE FUNCTION audit_is_kept();

-- +goose Down
-- What was dropped stays in its files.
DROP TABLE audit_archiver;
DROP TABLE audit_checkpoints;
DROP TABLE audit_archives;
DROP FUNCTION audit_checkpoint_is_there();
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: audit events are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
