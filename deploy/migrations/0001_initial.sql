-- Accounts, groups, conversations and the log of messages.
--
-- Numbers of accounts and groups are below 2^53. A string id that is a canonical decimal always
-- equals its number. String ids compare byte by byte, without padding.

CREATE SEQUENCE account_number START WITH 100000000 MAXVALUE 9007199254740991 CACHE 100;
CREATE SEQUENCE group_number START WITH 100000000 MAXVALUE 9007199254740991 CACHE 100;
CREATE SEQUENCE pair_number START WITH 1 MAXVALUE 1152921504606846975 CACHE 1000;
-- One value stands for 128 ids: a batch of the log takes one after it has locked its conversations.
CREATE SEQUENCE cid_block START WITH 128 INCREMENT BY 128 MAXVALUE 9007199254740736 CACHE 1000;

-- Written by auth.
CREATE TABLE account (
    number     BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    id         VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
    email      VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NULL,
    name       VARCHAR(64) NOT NULL,
    password   VARCHAR(128) CHARACTER SET ascii NULL,
    disabled   BOOLEAN NOT NULL DEFAULT FALSE,
    created_ms BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY account_id (id),
    UNIQUE KEY account_email (email)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

-- Written by auth. A login's token; only its hash is kept.
CREATE TABLE token (
    hash       BINARY(32) NOT NULL PRIMARY KEY,
    account    BIGINT UNSIGNED NOT NULL,
    created_ms BIGINT UNSIGNED NOT NULL,
    expires_ms BIGINT UNSIGNED NOT NULL,
    KEY token_account (account)
) ENGINE = InnoDB;

-- Written by group. Friends, lo < hi; and who refuses whose messages.
CREATE TABLE friendship (
    lo         BIGINT UNSIGNED NOT NULL,
    hi         BIGINT UNSIGNED NOT NULL,
    created_ms BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (lo, hi),
    KEY friendship_hi (hi)
) ENGINE = InnoDB;

CREATE TABLE block (
    account BIGINT UNSIGNED NOT NULL,
    blocked BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (account, blocked)
) ENGINE = InnoDB;

-- Written by group. Requests that wait for an answer: kind 1 friendship, to an account; kind 2
-- joining, to a group.
CREATE TABLE request (
    kind       TINYINT UNSIGNED NOT NULL,
    target     BIGINT UNSIGNED NOT NULL,
    account    BIGINT UNSIGNED NOT NULL,
    created_ms BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (kind, target, account),
    KEY request_account (account)
) ENGINE = InnoDB;

-- Written by group; rows of pairs and of people's own notices are added by the log. The row is the
-- conversation's head: whoever writes to the conversation, or changes who is in it, locks it first.
--   kind     0 pair (lo < hi: the two accounts), 1 group (lo: its number), 2 one person's own
--            notices (lo: the account), 3 broadcast. id holds the kind in bits 60 and 61.
--   blocked  of a pair: bit 0, lo may not write; bit 1, hi may not write.
--   version  grows with every change of members or names: what is cached under it is exact.
--   writer   the instance that wrote last: only it knows the last cid without asking.
CREATE TABLE conversation (
    id         BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    kind       TINYINT UNSIGNED NOT NULL,
    lo         BIGINT UNSIGNED NOT NULL,
    hi         BIGINT UNSIGNED NOT NULL,
    string_id  VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NULL,
    name       VARCHAR(64) NULL,
    owner      BIGINT UNSIGNED NULL,
    blocked    TINYINT UNSIGNED NOT NULL DEFAULT 0,
    dissolved  BOOLEAN NOT NULL DEFAULT FALSE,
    version    BIGINT UNSIGNED NOT NULL DEFAULT 1,
    writer     BIGINT UNSIGNED NOT NULL DEFAULT 0,
    created_ms BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY conversation_parties (kind, lo, hi),
    UNIQUE KEY conversation_string_id (string_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

-- Written by group. role: 1 member, 2 administrator, 3 owner.
CREATE TABLE member (
    conversation BIGINT UNSIGNED NOT NULL,
    account      BIGINT UNSIGNED NOT NULL,
    role         TINYINT UNSIGNED NOT NULL,
    joined_ms    BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (conversation, account),
    KEY member_account (account)
) ENGINE = InnoDB;

-- Written by the log. The primary key is the reading order; cid is unique over all conversations.
-- Of a notice: `subject` is the account that it is about, `about` the group, where the conversation
-- itself does not say.
CREATE TABLE message (
    conversation BIGINT UNSIGNED NOT NULL,
    cid          BIGINT UNSIGNED NOT NULL,
    time_ms      BIGINT UNSIGNED NOT NULL,
    type         SMALLINT UNSIGNED NOT NULL,
    sender       BIGINT UNSIGNED NOT NULL,
    nonce        BINARY(16) NULL,
    subject      BIGINT UNSIGNED NULL,
    about        BIGINT UNSIGNED NULL,
    accepted     BOOLEAN NULL,
    body         BLOB NOT NULL,
    PRIMARY KEY (conversation, cid),
    UNIQUE KEY message_nonce (nonce)
) ENGINE = InnoDB;

-- Written by the log. Where an account stands in a conversation: it may read what lies behind
-- `since` (where it joined) up to `until` (where it left, NULL while it is in); everything up to
-- `received` has arrived, everything up to `seen` was read.
CREATE TABLE `cursor` (
    account      BIGINT UNSIGNED NOT NULL,
    conversation BIGINT UNSIGNED NOT NULL,
    since        BIGINT UNSIGNED NOT NULL DEFAULT 0,
    received     BIGINT UNSIGNED NOT NULL DEFAULT 0,
    seen         BIGINT UNSIGNED NOT NULL DEFAULT 0,
    until        BIGINT UNSIGNED NULL,
    PRIMARY KEY (account, conversation)
) ENGINE = InnoDB;
