-- Ids that hold an '@' and e-mail addresses are one namespace.

-- Written by auth. What an account has of it, without case: the primary key keeps what is somebody's
-- address from becoming another's id, and the other way round. Of an old clash the address has the
-- row. Accounts that the release before makes from now on have none.
CREATE TABLE address (
    folded  VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL PRIMARY KEY,
    account BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB;

INSERT IGNORE INTO address (folded, account)
    SELECT LOWER(email), number FROM account WHERE email IS NOT NULL;
INSERT IGNORE INTO address (folded, account)
    SELECT LOWER(id), number FROM account WHERE id LIKE '%@%';
