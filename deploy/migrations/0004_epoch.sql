-- Which life of the log this is: `parleyctl restored` gives it another number, by which clients know
-- that what they kept may be of a log that is no more.

-- Written by parleyctl; read by auth, which tells it with each login. One row.
CREATE TABLE epoch (
    number   BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    began_ms BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB;
-- 52 random bits, and not 0.
INSERT INTO epoch (number, began_ms)
    VALUES (1 + CONV(LEFT(SHA2(CONCAT(UUID(), RAND(), NOW(6)), 256), 13), 16, 10),
            FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000));
