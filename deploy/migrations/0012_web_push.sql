-- Web Push: the browsers that wake people.

-- Written by hooks. The subscription of a login (token.login) of an account, as its browser gave it. It
-- ends with the login: without the token nothing is sent. An address belongs to the login that gave it
-- last.
CREATE TABLE push_subscription (
    account    BIGINT UNSIGNED NOT NULL,
    login      BIGINT UNSIGNED NOT NULL,
    endpoint   VARCHAR(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    p256dh     BINARY(65) NOT NULL,
    auth       BINARY(16) NOT NULL,
    created_ms BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (account, login),
    UNIQUE KEY push_subscription_endpoint (endpoint)
) ENGINE = InnoDB;

-- Written by hooks; one row at most. The private key by which all instances show services of Web Push
-- who they are; browsers subscribe with its public key.
CREATE TABLE push_key (
    one    TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    secret BINARY(32) NOT NULL
) ENGINE = InnoDB;
