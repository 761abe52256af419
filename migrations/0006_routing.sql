-- How requests find their deployment: the settings made through the API, limits of deployments, and what was decided for a call.

CREATE TABLE routing_policy (
    id              uuid        PRIMARY KEY,
    model_name      text        CHECK (length(model_name) BETWEEN 1 AND 200),   -- NULL: the router's
    settings        jsonb       NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT routing_policy_model_name_key UNIQUE NULLS NOT DISTINCT (model_name)
);

ALTER TABLE config_change DROP CONSTRAINT config_change_entity_check;
ALTER TABLE config_change ADD CONSTRAINT config_change_entity_check
    CHECK (entity IN ('key', 'team', 'user', 'organization', 'deployment', 'credential', 'routing_policy')) NOT VALID;

ALTER TABLE deployment
    ADD COLUMN priority                 integer NOT NULL DEFAULT 0 CHECK (priority >= 0),
    ADD COLUMN rpm                      bigint  CHECK (rpm > 0),
    ADD COLUMN tpm                      bigint  CHECK (tpm > 0),
    ADD COLUMN max_parallel_requests    integer CHECK (max_parallel_requests > 0);

-- What an event is about: 'call', or a cost of the operator's own, which names no key, team or user: 'failed_attempt',
-- 'hedge_loser', 'mirror', 'probe'. In `spend_hourly` those count with their tokens and their cost, and not as requests.
ALTER TABLE spend_event ADD COLUMN kind text NOT NULL DEFAULT 'call';
-- What was decided on the way, where there was something to decide.
ALTER TABLE spend_event ADD COLUMN route jsonb;
-- The call that such a cost was paid for, by its event's id: callers choose their request ids, and may use one for many calls.
ALTER TABLE spend_event ADD COLUMN about uuid;
CREATE INDEX spend_event_about_idx ON spend_event (about) WHERE about IS NOT NULL;
