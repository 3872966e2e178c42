-- +goose Up
-- Events that releases before migration 53 wrote have personal values in plain. They
-- are put behind keys, and the chains that they are in get new hashes (docs/audit.md).

-- 1 for events whose personal values are ciphertext; 0 by replicas of releases before
-- this one.
ALTER TABLE audit_events ADD COLUMN form smallint NOT NULL DEFAULT 0;

-- How far each chain has come: up to seq it has new hashes. former_hash is what the
-- event at seq had before, hash what it has now.
CREATE TABLE audit_rewrites (
    chain       uuid PRIMARY KEY,
    event_id    uuid NOT NULL, -- of the event that names the former head at the end
    from_seq    bigint NOT NULL CHECK (from_seq >= 0),
    seq         bigint NOT NULL CHECK (seq >= from_seq),
    former_hash bytea NOT NULL CHECK (length(former_hash) = 32),
    hash        bytea NOT NULL CHECK (length(hash) = 32),
    digest      bytea NOT NULL CHECK (length(digest) = 32), -- over the former hashes
    done        boolean NOT NULL DEFAULT false,
    broken_at   bigint -- the event at which the chain is not whole, so that nothing is changed
);

-- The former hashes, by which heads that were kept are still known.
CREATE TABLE audit_former_hashes (
    event_id uuid NOT NULL,
    chain    uuid NOT NULL,
    seq      bigint NOT NULL CHECK (seq > 0), -- of the first
    hashes   bytea NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0),
    PRIMARY KEY (chain, event_id, seq)
);
ALTER TABLE audit_former_hashes ALTER COLUMN hashes SET STORAGE EXTERNAL; -- hashes do not compress

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
    ELSIF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_events' THEN
        IF ROW (NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.user_id, NEW.team_id, NEW.session_id, NEW.seq, NEW.epoch, NEW.position)
            IS NOT DISTINCT FROM
            ROW (OLD.id, OLD.at, OLD.action, OLD.actor_id, OLD.user_id, OLD.team_id, OLD.session_id, OLD.seq, OLD.epoch, OLD.position)
            AND NEW.form = 1 AND NEW.ip = '' AND NEW.user_agent = '' AND (OLD.form = 0 OR NEW.data = OLD.data)
            AND EXISTS (SELECT 1 FROM audit_rewrites AS r WHERE r.chain = coalesce(OLD.team_id, '00000000-0000-0000-0000-000000000000'::uuid)
                AND NOT r.done AND (OLD.seq = 0 OR OLD.seq > r.seq)) THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_seals' THEN
        IF ROW (NEW.chain, NEW.seq, NEW.epoch, NEW.position, NEW.event_id, length(NEW.links))
            IS NOT DISTINCT FROM ROW (OLD.chain, OLD.seq, OLD.epoch, OLD.position, OLD.event_id, length(OLD.links))
            AND EXISTS (SELECT 1 FROM audit_rewrites AS r WHERE r.chain = OLD.chain AND NOT r.done AND OLD.seq + length(OLD.links) / 36 - 1 > r.seq) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '%: audit events are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_former_hashes_no_update BEFORE UPDATE ON audit_former_hashes FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_former_hashes_no_delete BEFORE DELETE ON audit_former_hashes FOR EACH ROW EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_former_hashes_no_truncate BEFORE TRUNCATE ON audit_former_hashes EXECUTE FUNCTION audit_is_kept();

-- +goose Down
-- Values that are ciphertext stay so.
DROP TABLE audit_former_hashes;
DROP TABLE audit_rewrites;
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
ALTER TABLE audit_events DROP COLUMN form;
