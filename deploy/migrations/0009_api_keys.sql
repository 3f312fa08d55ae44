-- API keys. Services of the release before don't know the table, and go on beside those that do.

-- Written by auth. `hash` is SHA-256 of the key, 256 random bits. `scopes` and `addresses`: words, and
-- networks as 192.0.2.0/24, with commas between them; no addresses: from anywhere. `account`: the only one
-- that the key acts as; 0: any. `per_minute`: calls, at each gateway. `expires_ms` NULL: it does not.
CREATE TABLE api_key (
    number     BIGINT UNSIGNED NOT NULL PRIMARY KEY AUTO_INCREMENT,
    hash       BINARY(32) NOT NULL,
    name       VARCHAR(64) NOT NULL,
    scopes     VARCHAR(255) CHARACTER SET ascii NOT NULL,
    addresses  VARCHAR(1024) CHARACTER SET ascii NOT NULL,
    account    BIGINT UNSIGNED NOT NULL DEFAULT 0,
    per_minute BIGINT UNSIGNED NOT NULL,
    created_ms BIGINT UNSIGNED NOT NULL,
    expires_ms BIGINT UNSIGNED NULL,
    UNIQUE KEY api_key_hash (hash),
    UNIQUE KEY api_key_name (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
