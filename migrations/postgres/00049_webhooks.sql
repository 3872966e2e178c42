-- +goose Up
CREATE TABLE webhooks (
    id                    uuid PRIMARY KEY,
    url                   text NOT NULL,
    description           text NOT NULL DEFAULT '',
    types                 text NOT NULL DEFAULT '', -- words; none for all
    status                text NOT NULL CHECK (status IN ('enabled', 'disabled')),
    disabled_reason       text NOT NULL DEFAULT '',
    secret                bytea NOT NULL, -- sealed
    previous_secret       bytea,          -- signs as well until the time below
    previous_secret_until timestamptz,
    failing_since         timestamptz, -- the first failure after the last success
    created_by            uuid,        -- NULL for a service, and the command line
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    leased_by             uuid, -- the replica that delivers
    leased_until          timestamptz,
    CONSTRAINT webhooks_previous_secret CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
    CONSTRAINT webhooks_lease CHECK ((leased_by IS NULL) = (leased_until IS NULL))
);

CREATE TABLE webhook_deliveries (
    id              uuid PRIMARY KEY,
    webhook_id      uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    seq             bigint NOT NULL REFERENCES feed (seq) ON DELETE CASCADE,
    status          text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    -- Of the latest attempt.
    attempted_at    timestamptz,
    duration_ms     integer NOT NULL DEFAULT 0,
    response_status integer NOT NULL DEFAULT 0, -- 0 without an answer
    response_body   text NOT NULL DEFAULT '',
    error           text NOT NULL DEFAULT ''
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at, seq) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (webhook_id, status, id);
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_seq ON webhook_deliveries (seq);
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);

-- +goose Down
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
