-- Named credentials, and the pools of them that deployments sign in with.

CREATE TABLE credential (
    id              uuid        PRIMARY KEY,
    name            text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    provider        text,                                    -- NULL: any whose style it suits
    kind            text        NOT NULL CHECK (kind IN ('api_key', 'azure_entra', 'google', 'aws')),
    values_sealed   text        NOT NULL,                    -- sealed with a key derived from the salt key
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    rotated_at      timestamptz                              -- when its values were replaced last
);
CREATE UNIQUE INDEX credential_name_idx ON credential (name);

-- A credential that is in use cannot go away.
CREATE TABLE deployment_credential (
    deployment_id   uuid        NOT NULL REFERENCES deployment (id) ON DELETE CASCADE,
    position        integer     NOT NULL CHECK (position > 0),
    credential_id   uuid        NOT NULL REFERENCES credential (id),
    PRIMARY KEY (deployment_id, position),
    UNIQUE (deployment_id, credential_id)
);
CREATE INDEX deployment_credential_credential_id_idx ON deployment_credential (credential_id);

ALTER TABLE deployment
    ADD COLUMN api_version  text,
    ADD COLUMN region       text,
    ADD COLUMN project      text,
    ADD COLUMN drop_params  boolean;                         -- NULL: as the installation says

ALTER TABLE config_change DROP CONSTRAINT config_change_entity_check;
ALTER TABLE config_change ADD CONSTRAINT config_change_entity_check
    CHECK (entity IN ('key', 'team', 'user', 'organization', 'deployment', 'credential')) NOT VALID;
