-- Stickers, pictures and files. All columns are optional, so services of the release before go on beside
-- those that know them.

-- Written by files. `token`: of an upload that is not finished, the hash of what lets it go on, until
-- `expires_ms`. `finished_ms`: since then all bytes are in the store, and the row does not change.
-- `preview`: bytes of the preview.
CREATE TABLE file (
    id          BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    account     BIGINT UNSIGNED NOT NULL,
    name        VARCHAR(255) NOT NULL,
    mime        VARCHAR(127) CHARACTER SET ascii NOT NULL,
    size        BIGINT UNSIGNED NOT NULL,
    sha256      BINARY(32) NULL,
    width       INT UNSIGNED NOT NULL DEFAULT 0,
    height      INT UNSIGNED NOT NULL DEFAULT 0,
    preview     INT UNSIGNED NOT NULL DEFAULT 0,
    token       BINARY(32) NULL,
    nonce       BINARY(16) NULL,
    created_ms  BIGINT UNSIGNED NOT NULL,
    expires_ms  BIGINT UNSIGNED NOT NULL,
    finished_ms BIGINT UNSIGNED NULL,
    KEY file_account (account, size),
    UNIQUE KEY file_nonce (nonce)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

-- Written by the log and by group, in the transaction that shows the file or shows it no longer, with the
-- file's row locked. `cid` is the message that shows it; 0: it is the avatar of the conversation's
-- account or group. A file that has no row here, and is no sticker, is removed after a day.
CREATE TABLE file_use (
    conversation BIGINT UNSIGNED NOT NULL,
    cid          BIGINT UNSIGNED NOT NULL,
    file         BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (conversation, cid),
    KEY file_use_file (file)
) ENGINE = InnoDB;

-- Written by files.
CREATE TABLE sticker (
    account  BIGINT UNSIGNED NOT NULL,
    file     BIGINT UNSIGNED NOT NULL,
    added_ms BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (account, file),
    KEY sticker_file (file)
) ENGINE = InnoDB;

-- Written by files, once. Gateways sign the addresses of files by it.
CREATE TABLE file_key (
    number TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    `key`  BINARY(32) NOT NULL
) ENGINE = InnoDB;

-- Written by the log. Of a text: the packed description of the file that it shows
-- (proto/messages.def, record file).
ALTER TABLE message
    ADD COLUMN file VARBINARY(1024) NULL;
