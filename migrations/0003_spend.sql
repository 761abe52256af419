-- The record of calls and what is summed up from it.

CREATE TABLE spend_event (
    event_id                uuid        NOT NULL,
    started_at              timestamptz NOT NULL,            -- as the proxy wrote it, never stamped anew
    finished_at             timestamptz NOT NULL,
    recorded_at             timestamptz NOT NULL DEFAULT now(),
    request_id              text        NOT NULL,
    status                  integer     NOT NULL,
    outcome                 text        NOT NULL,
    error_code              text,
    endpoint                text        NOT NULL,
    is_stream               boolean     NOT NULL,
    model                   text        NOT NULL,
    provider                text,
    upstream_model          text,
    deployment_id           uuid,
    key_id                  uuid,
    team_id                 uuid,
    organization_id         uuid,
    user_id                 uuid,
    end_user                text,
    input_tokens            bigint      NOT NULL CHECK (input_tokens >= 0),
    output_tokens           bigint      NOT NULL CHECK (output_tokens >= 0),
    cached_input_tokens     bigint      NOT NULL CHECK (cached_input_tokens >= 0),
    cache_creation_tokens   bigint      NOT NULL CHECK (cache_creation_tokens >= 0),
    reasoning_tokens        bigint      NOT NULL CHECK (reasoning_tokens >= 0),
    usage_source            text        NOT NULL,
    cost_nano_usd           bigint      CHECK (cost_nano_usd >= 0),  -- NULL: no price is known
    price_state             text        NOT NULL,
    prices                  jsonb,                           -- the unit prices used, so that the cost can be computed again
    price_version           text        NOT NULL,
    attempts                integer     NOT NULL,
    time_to_first_byte_us   bigint,
    duration_us             bigint      NOT NULL,
    overhead_us             bigint      NOT NULL,
    CONSTRAINT spend_event_id_key UNIQUE (event_id, started_at)
) PARTITION BY RANGE (started_at);
-- Newest first, in all and per key; one call by its id.
CREATE INDEX spend_event_started_at_idx ON spend_event (started_at DESC, event_id DESC);
CREATE INDEX spend_event_key_id_idx ON spend_event (key_id, started_at DESC);
CREATE INDEX spend_event_request_id_idx ON spend_event (request_id);

-- Makes the partition of the month (UTC) that holds the given moment, if it is missing.
-- Built beside the table and attached, which does not stop readers and writers as CREATE … PARTITION OF would.
CREATE FUNCTION spend_event_ensure_partition(moment timestamptz) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    month_start timestamptz := date_trunc('month', moment, 'UTC');
    -- Interval arithmetic on timestamptz follows the session's zone; the bounds must not.
    month_end   timestamptz := ((month_start AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    partition   text;
BEGIN
    partition := 'spend_event_' || to_char(month_start AT TIME ZONE 'UTC', 'YYYY_MM');
    IF EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
               WHERE inhparent = 'spend_event'::regclass AND relname = partition) THEN
        RETURN partition;
    END IF;
    -- Whoever else makes it now is waited for; reading and writing go on.
    LOCK TABLE spend_event IN SHARE UPDATE EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                   WHERE inhparent = 'spend_event'::regclass AND relname = partition) THEN
        EXECUTE format('CREATE TABLE %I (LIKE spend_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
        EXECUTE format('ALTER TABLE spend_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       partition, month_start, month_end);
    END IF;
    RETURN partition;
END
$$;

-- Events that could not be recorded, kept with the reason: nothing a proxy sent is lost silently.
CREATE TABLE spend_event_rejected (
    id          uuid        PRIMARY KEY,
    event_id    uuid        UNIQUE,
    reason      text        NOT NULL,
    payload     text        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE spend_hourly (
    hour                    timestamptz NOT NULL,
    key_id                  uuid,
    team_id                 uuid,
    organization_id         uuid,
    user_id                 uuid,
    model                   text        NOT NULL,
    provider                text,
    status_class            smallint    NOT NULL,            -- 2 for 2xx, 4 for 4xx …
    requests                bigint      NOT NULL,
    errors                  bigint      NOT NULL,
    unpriced_requests       bigint      NOT NULL,
    input_tokens            bigint      NOT NULL,
    output_tokens           bigint      NOT NULL,
    cached_input_tokens     bigint      NOT NULL,
    cache_creation_tokens   bigint      NOT NULL,
    reasoning_tokens        bigint      NOT NULL,
    spend_nano_usd          bigint      NOT NULL,
    duration_us             bigint      NOT NULL,
    CONSTRAINT spend_hourly_key UNIQUE NULLS NOT DISTINCT
        (hour, key_id, team_id, organization_id, user_id, model, provider, status_class)
) WITH (fillfactor = 70);

-- Running totals, apart from the rows people edit so that counting never waits for an edit, nor the other way round.
CREATE TABLE key_usage (
    key_id          uuid        PRIMARY KEY,
    requests        bigint      NOT NULL,
    spend_nano_usd  bigint      NOT NULL,
    last_used_at    timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE team_usage (
    team_id         uuid        PRIMARY KEY,
    requests        bigint      NOT NULL,
    spend_nano_usd  bigint      NOT NULL,
    last_used_at    timestamptz NOT NULL
) WITH (fillfactor = 70);
