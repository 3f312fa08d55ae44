-- What wakes people: the event `offline`, for hooks.

-- Up to where in journal_numbered it is known who has to be woken.
ALTER TABLE hook_state ADD COLUMN offline_seq BIGINT UNSIGNED NOT NULL DEFAULT 0;

-- Written by hooks: of an account that was away, the last entry that it was woken for, and when.
CREATE TABLE wake (
    account      BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    conversation BIGINT UNSIGNED NOT NULL,
    cid          BIGINT UNSIGNED NOT NULL,
    told_ms      BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB;
