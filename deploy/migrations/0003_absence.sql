-- Who comes back to a group reads what was said until it left, and from then on.

-- Written by the log. What was said while an account that is in again was out, which is not for it:
-- behind `after` (where it had left) up to `upto` (where it came back). One row for each time.
-- Deliveries of the release before do not know it, and show what was said meanwhile.
CREATE TABLE absence (
    account      BIGINT UNSIGNED NOT NULL,
    conversation BIGINT UNSIGNED NOT NULL,
    after        BIGINT UNSIGNED NOT NULL,
    upto         BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (account, conversation, after)
) ENGINE = InnoDB;
