-- Hooks: addresses that are told of events, and the journal by which they find them.

-- Written by hooks. Bits of `events` and `kinds`, and the packed numbers of `accounts` and `groups`
-- (8 bytes each, big-endian; empty: all), are those of services/hooks/selection.h.
--   seq               up to where in journal_numbered the hook was told
--   told, told_ms     how many events it took, and when it took the last ones
--   lost              rows of the journal that were removed before it was told of them
--   failing_since_ms  since when it has taken none; `fault`: why
--   parked_ms         since when it is not tried any more
CREATE TABLE hook (
    number           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name             VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    url              VARCHAR(2048) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    secret           VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    events           INT UNSIGNED NOT NULL,
    kinds            INT UNSIGNED NOT NULL,
    accounts         VARBINARY(512) NOT NULL,
    `groups`         VARBINARY(512) NOT NULL,
    seq              BIGINT UNSIGNED NOT NULL,
    told             BIGINT UNSIGNED NOT NULL DEFAULT 0,
    told_ms          BIGINT UNSIGNED NULL,
    lost             BIGINT UNSIGNED NOT NULL DEFAULT 0,
    failing_since_ms BIGINT UNSIGNED NULL,
    parked_ms        BIGINT UNSIGNED NULL,
    fault            VARCHAR(255) NULL,
    created_ms       BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY hook_name (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

-- Written by hooks; one row. `instance` works until `until_ms`; `seq` is the last number given in
-- journal_numbered; `version` grows with every change of the table hook by the operator.
CREATE TABLE hook_state (
    one      TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    instance BIGINT UNSIGNED NOT NULL DEFAULT 0,
    until_ms BIGINT UNSIGNED NOT NULL DEFAULT 0,
    seq      BIGINT UNSIGNED NOT NULL DEFAULT 0,
    version  BIGINT UNSIGNED NOT NULL DEFAULT 1
) ENGINE = InnoDB;
INSERT INTO hook_state (one) VALUES (1);

-- Written by delivery, group and auth, in the transaction of what happened, while there is a hook;
-- read and removed by hooks. A row says that entries with the cids from `block` on were appended to
-- these conversations (8 bytes each, big-endian), or, with `what`, that something happened to an
-- account or group.
CREATE TABLE journal (
    block         BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    entries       SMALLINT UNSIGNED NOT NULL,
    time_ms       BIGINT UNSIGNED NOT NULL,
    conversations VARBINARY(1024) NOT NULL,
    what          VARCHAR(32) CHARACTER SET ascii NULL,
    account       BIGINT UNSIGNED NULL,
    subject       BIGINT UNSIGNED NULL
) ENGINE = InnoDB;

-- Written by hooks: the same rows in the order in which hooks are told of them.
CREATE TABLE journal_numbered (
    seq           BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    block         BIGINT UNSIGNED NOT NULL,
    entries       SMALLINT UNSIGNED NOT NULL,
    time_ms       BIGINT UNSIGNED NOT NULL,
    conversations VARBINARY(1024) NOT NULL,
    what          VARCHAR(32) CHARACTER SET ascii NULL,
    account       BIGINT UNSIGNED NULL,
    subject       BIGINT UNSIGNED NULL
) ENGINE = InnoDB;
