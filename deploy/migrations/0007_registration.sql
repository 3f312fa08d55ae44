-- Who may register, and which requests give way to others. The new column is optional, so services of
-- the release before go on beside those that know it.

-- Written by auth. A token that the operator gives to people who may register; `hash` is BLAKE2b's of
-- it. `uses`: accounts that it may still make.
CREATE TABLE registration_token (
    number     BIGINT UNSIGNED NOT NULL PRIMARY KEY AUTO_INCREMENT,
    hash       BINARY(32) NOT NULL,
    uses       BIGINT UNSIGNED NOT NULL,
    created_ms BIGINT UNSIGNED NOT NULL,
    expires_ms BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY registration_token_hash (hash),
    KEY registration_token_expires (expires_ms)
) ENGINE = InnoDB;

-- Written by group. `stranger`: who asks has nothing to do with whom it asks; where there are as many
-- requests as there may be, the oldest of these is removed for a new one.
ALTER TABLE request
    ADD COLUMN stranger BOOLEAN NOT NULL DEFAULT TRUE,
    ADD KEY request_stranger (kind, target, stranger, created_ms);
