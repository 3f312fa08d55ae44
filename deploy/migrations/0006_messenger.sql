-- What people expect of a messenger: profiles, marks, changed texts, moderation, devices, an audit.
-- All columns are optional, so services of the release before go on beside those that know them.

-- Written by auth and group. `avatar` is the id of a file.
ALTER TABLE account
    ADD COLUMN avatar VARCHAR(64) CHARACTER SET ascii NULL,
    ADD COLUMN about VARCHAR(512) NULL,
    ADD COLUMN deleted_ms BIGINT UNSIGNED NULL;

-- Written by auth: what a login said of its device, and where its connection came from last. `login`
-- is the number by which session knows it.
ALTER TABLE token
    ADD COLUMN login BIGINT UNSIGNED NULL,
    ADD COLUMN device VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NULL,
    ADD COLUMN transport TINYINT UNSIGNED NULL,
    ADD COLUMN address VARCHAR(64) CHARACTER SET ascii NULL,
    ADD COLUMN heard_ms BIGINT UNSIGNED NULL;

-- Written by group. What an account calls a friend; nobody else sees it.
CREATE TABLE remark (
    account BIGINT UNSIGNED NOT NULL,
    friend  BIGINT UNSIGNED NOT NULL,
    remark  VARCHAR(64) NOT NULL,
    PRIMARY KEY (account, friend)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

-- Written by group. Of a group: `slow_s`, the pause between two texts of a plain member;
-- `retention_days`, for how long its entries are kept, 0: for ever, NULL: as delivery's option has
-- it. Written by the log: `removed_cid`, the last entry of a conversation that has had all removed.
ALTER TABLE conversation
    ADD COLUMN avatar VARCHAR(64) CHARACTER SET ascii NULL,
    ADD COLUMN about VARCHAR(512) NULL,
    ADD COLUMN slow_s INT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN retention_days INT UNSIGNED NULL,
    ADD COLUMN removed_cid BIGINT UNSIGNED NOT NULL DEFAULT 0;

-- Written by group. `muted_until_ms`: until then it may not write, 0 not at all.
ALTER TABLE member
    ADD COLUMN nick VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NULL,
    ADD COLUMN muted_until_ms BIGINT UNSIGNED NOT NULL DEFAULT 0;

-- Written by group. Accounts that may not become members again.
CREATE TABLE ban (
    conversation BIGINT UNSIGNED NOT NULL,
    account      BIGINT UNSIGNED NOT NULL,
    banned_by    BIGINT UNSIGNED NOT NULL,
    time_ms      BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (conversation, account)
) ENGINE = InnoDB;

-- Written by the log. Of a text: `reply` is the cid of the one that it answers, `mentions` are
-- accounts of 8 bytes each (0: all), `edited_ms` is when `body` was last changed. A text that was
-- recalled has another type and no body. Of a notice about a message: `target` is its cid.
ALTER TABLE message
    ADD COLUMN reply BIGINT UNSIGNED NULL,
    ADD COLUMN mentions VARBINARY(400) NULL,
    ADD COLUMN edited_ms BIGINT UNSIGNED NULL,
    ADD COLUMN target BIGINT UNSIGNED NULL;

-- Written by the log.
CREATE TABLE reaction (
    conversation BIGINT UNSIGNED NOT NULL,
    cid          BIGINT UNSIGNED NOT NULL,
    emoji        VARBINARY(32) NOT NULL,
    account      BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (conversation, cid, emoji, account)
) ENGINE = InnoDB;

-- Written by the log. `quiet_until_ms`: until then the account wants no push about the conversation.
-- `is_settled`: the account has everything there; `settled` is the cid of the last of it, or was when
-- it last had.
ALTER TABLE `cursor`
    ADD COLUMN quiet_until_ms BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN is_settled BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN settled BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD KEY cursor_settled (account, is_settled, settled);

-- Written by the log. `claimant` is the instance that wrote last, 0 after a cursor was settled. In
-- `writer` that stands only where it is of the release before, which does not end what is settled;
-- all begin with 0.
ALTER TABLE conversation
    DROP COLUMN writer,
    ADD COLUMN writer BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN claimant BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD KEY conversation_writer (writer);

-- Written by all services and parleyctl: who did what. Rows are removed when they are old.
CREATE TABLE audit (
    number  BIGINT UNSIGNED NOT NULL PRIMARY KEY AUTO_INCREMENT,
    time_ms BIGINT UNSIGNED NOT NULL,
    event   VARCHAR(32) CHARACTER SET ascii NOT NULL,
    account BIGINT UNSIGNED NOT NULL,
    subject BIGINT UNSIGNED NOT NULL,
    address VARCHAR(64) CHARACTER SET ascii NULL,
    trace   BIGINT UNSIGNED NOT NULL,
    detail  VARCHAR(255) NULL,
    KEY audit_time (time_ms),
    KEY audit_account (account, time_ms)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

-- Written by the log. Its one row is where the removal of old entries stands: the conversation that
-- it goes on behind, and when it begins anew.
CREATE TABLE retention (
    number       TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    conversation BIGINT UNSIGNED NOT NULL,
    due_ms       BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB;
INSERT INTO retention (number, conversation, due_ms) VALUES (1, 0, 0);

-- Written by auth, removed by group: accounts that were deleted and still have something. Their texts
-- are gone through by conversation and cid, so that a restart goes on where the last step ended.
CREATE TABLE ending (
    account      BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    blank        BOOLEAN NOT NULL,
    conversation BIGINT UNSIGNED NOT NULL DEFAULT 0,
    cid          BIGINT UNSIGNED NOT NULL DEFAULT 0
) ENGINE = InnoDB;
