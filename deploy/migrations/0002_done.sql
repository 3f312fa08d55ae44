-- Requests that are sent again are not done again.

-- Written by group. What an account's request with this nonce did; `digest` tells it from another
-- one that comes under the same nonce, `result` is the number of a group that it made. Rows are
-- removed when they are old.
CREATE TABLE done (
    account BIGINT UNSIGNED NOT NULL,
    nonce   BINARY(16) NOT NULL,
    digest  BINARY(16) NOT NULL,
    result  BIGINT UNSIGNED NOT NULL,
    time_ms BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (account, nonce),
    KEY done_time (time_ms)
) ENGINE = InnoDB;

-- Written by auth: the nonce of the registration that made the account.
ALTER TABLE account
    ADD COLUMN register_nonce BINARY(16) NULL,
    ADD UNIQUE KEY account_register_nonce (register_nonce);
