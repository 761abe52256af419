-- What the gateway serves, and the log of changes the proxies follow.

CREATE TABLE deployment (
    id                              uuid        PRIMARY KEY,
    model_name                      text        NOT NULL CHECK (length(model_name) BETWEEN 1 AND 200),
    provider                        text        NOT NULL,
    upstream_model                  text        NOT NULL,
    api_base                        text,
    api_key_sealed                  text,                    -- sealed with a key derived from the salt key
    mode                            text        NOT NULL DEFAULT 'chat',
    timeout_ms                      bigint      CHECK (timeout_ms > 0),
    stream_timeout_ms               bigint      CHECK (stream_timeout_ms > 0),
    weight                          integer     NOT NULL DEFAULT 1 CHECK (weight >= 0),
    tags                            text[]      NOT NULL DEFAULT '{}',
    input_cost_per_token_femto_usd  bigint      CHECK (input_cost_per_token_femto_usd >= 0),   -- NULL: the catalogue's price
    output_cost_per_token_femto_usd bigint      CHECK (output_cost_per_token_femto_usd >= 0),
    mock                            jsonb,
    is_blocked                      boolean     NOT NULL DEFAULT false,
    created_at                      timestamptz NOT NULL DEFAULT now(),
    updated_at                      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deployment_model_name_idx ON deployment (model_name);

-- The last version given out. A writer bumps it in its own transaction and so holds this row's lock to its commit:
-- versions become visible in their own order, without gaps, and a reader of "after N" misses none.
CREATE TABLE config_version (
    is_only     boolean     PRIMARY KEY DEFAULT true CHECK (is_only),
    version     bigint      NOT NULL
);
INSERT INTO config_version (version) VALUES (0);

-- One row per write to anything the proxies hold; old ones are pruned.
CREATE TABLE config_change (
    version     bigint      PRIMARY KEY,
    entity      text        NOT NULL CHECK (entity IN ('key', 'team', 'user', 'organization', 'deployment')),
    entity_id   uuid        NOT NULL,
    op          text        NOT NULL CHECK (op IN ('upsert', 'delete')),
    payload     jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CHECK ((op = 'upsert') = (payload IS NOT NULL))
);
CREATE INDEX config_change_created_at_idx ON config_change (created_at);
