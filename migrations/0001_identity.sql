-- Who uses the gateway: organizations, teams, dashboard accounts, virtual keys.
-- Ids are UUIDv7 made by the service. A removed row keeps standing with deleted_at set, so that the history of
-- calls keeps the names it was written with.

CREATE TABLE organization (
    id          uuid        PRIMARY KEY,
    name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    is_blocked  boolean     NOT NULL DEFAULT false,
    metadata    jsonb       NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX organization_name_key ON organization (lower(name)) WHERE deleted_at IS NULL;

CREATE TABLE team (
    id              uuid        PRIMARY KEY,
    organization_id uuid        REFERENCES organization (id),
    name            text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    models          text[],                                  -- NULL: every model
    is_blocked      boolean     NOT NULL DEFAULT false,
    metadata        jsonb       NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    deleted_at      timestamptz
);
CREATE UNIQUE INDEX team_name_key ON team (lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX team_organization_id_idx ON team (organization_id) WHERE deleted_at IS NULL;

CREATE TABLE app_user (
    id              uuid        PRIMARY KEY,
    email           text        NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    name            text,
    role            text        NOT NULL CHECK (role IN ('admin', 'viewer', 'member')),
    password_hash   text,                                    -- argon2id, PHC string; NULL: no password log-in
    team_id         uuid        REFERENCES team (id),
    is_blocked      boolean     NOT NULL DEFAULT false,
    last_login_at   timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    deleted_at      timestamptz
);
CREATE UNIQUE INDEX app_user_email_key ON app_user (lower(email)) WHERE deleted_at IS NULL;
CREATE INDEX app_user_team_id_idx ON app_user (team_id) WHERE deleted_at IS NULL;

CREATE TABLE virtual_key (
    id          uuid        PRIMARY KEY,
    key_hash    bytea       NOT NULL CHECK (length(key_hash) = 32),  -- HMAC-SHA256; the key itself is never stored
    key_hint    text        NOT NULL,                        -- what a person may recognise it by: sk-…9f2c
    name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    team_id     uuid        REFERENCES team (id),
    user_id     uuid        REFERENCES app_user (id),
    models      text[],                                      -- NULL: every model
    expires_at  timestamptz,
    is_blocked  boolean     NOT NULL DEFAULT false,
    metadata    jsonb       NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz,                                 -- revoked for good
    CONSTRAINT virtual_key_hash_key UNIQUE (key_hash)
);
CREATE INDEX virtual_key_team_id_idx ON virtual_key (team_id) WHERE deleted_at IS NULL;
CREATE INDEX virtual_key_user_id_idx ON virtual_key (user_id) WHERE deleted_at IS NULL;
CREATE INDEX virtual_key_live_idx ON virtual_key (id DESC) WHERE deleted_at IS NULL;

CREATE TABLE session (
    token_hash      bytea       PRIMARY KEY CHECK (length(token_hash) = 32),  -- SHA-256 of the cookie's value
    user_id         uuid        REFERENCES app_user (id) ON DELETE CASCADE,   -- NULL: logged in with the master key
    master_key_hash bytea,                                   -- ends the session when the master key changes
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,                    -- slides with use
    ends_at         timestamptz NOT NULL,                    -- does not
    CHECK ((user_id IS NULL) <> (master_key_hash IS NULL))
);
CREATE INDEX session_user_id_idx ON session (user_id);
CREATE INDEX session_expires_at_idx ON session (expires_at);
