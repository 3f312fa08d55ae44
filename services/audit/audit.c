/* Who did what; see audit.h. */
#include "services/audit/audit.h"

#include "common/log.h"
#include "services/journal/journal.h"

static const struct db_statement add_row = {
    "audit_add", "INSERT INTO audit (time_ms, event, account, subject, address, trace, detail)"
                 " VALUES (" DB_NOW_MS ", ?, ?, ?, ?, ?, ?)"};

static const char *const words[AUDIT_EVENT_COUNT] = {[AUDIT_NONE] = "none",
#define AUDIT_WORD(name_, word_) [AUDIT_##name_] = (word_),
                                                     AUDIT_EVENTS(AUDIT_WORD)
#undef AUDIT_WORD
};

/* Whole characters only. */
static struct slice cut(struct slice text) {
    if (text.length <= AUDIT_DETAIL_BYTES)
        return text;
    size_t length = AUDIT_DETAIL_BYTES;
    while (length > 0 && ((unsigned char)text.data[length] & 0xc0) == 0x80)
        length--;
    return slice_make(text.data, length);
}

/* What hooks are told of, and do not learn from the message log. */
static bool is_for_hooks(enum audit_event event) {
    return event == AUDIT_ACCOUNT_MADE || event == AUDIT_ACCOUNT_DISABLED ||
           event == AUDIT_ACCOUNT_ENABLED || event == AUDIT_ACCOUNT_DELETED ||
           event == AUDIT_GROUP_MADE;
}

enum err audit_add(struct db *db, const struct audit_entry *entry) {
    const char *word = words[entry->event];
    enum err err = db_query(db, &add_row,
                            DB_ARGS(db_text(slice_text(word)), db_u64(entry->account),
                                    db_u64(entry->subject), db_text_or_null(entry->address),
                                    db_u64(log_trace()), db_text_or_null(cut(entry->detail))),
                            NULL);
    if (err == ERR_OK && is_for_hooks(entry->event))
        err = journal_add_change(db, word, entry->account, entry->subject);
    return err;
}

void audit_log(const struct audit_entry *entry) {
    char address[LOG_QUOTED_BYTES], detail[LOG_QUOTED_BYTES];
    log_info("audit", "what=%s account=%llu subject=%llu address=%s detail=%s", words[entry->event],
             (unsigned long long)entry->account, (unsigned long long)entry->subject,
             log_quote(address, entry->address.data, entry->address.length),
             log_quote(detail, entry->detail.data, entry->detail.length));
}

void audit_note(struct db *db, const struct audit_entry *entry) {
    audit_log(entry);
    if (audit_add(db, entry) != ERR_OK)
        log_warn("audit_not_stored", "what=%s account=%llu reason=\"%s\"", words[entry->event],
                 (unsigned long long)entry->account, db_fault(db));
}

/* The second in the upper bits, the count in the lower ones. */
#define COUNT_BITS 16

bool audit_allows(struct audit_rate *rate, int64_t now_ms) {
    const uint64_t second = (uint64_t)now_ms / 1000, count_mask = (1 << COUNT_BITS) - 1;
    uint64_t state = atomic_load(&rate->state), next;
    do {
        bool same = state >> COUNT_BITS == second;
        uint64_t count = same ? state & count_mask : 0;
        if (count >= AUDIT_REFUSED_PER_S)
            return false;
        next = second << COUNT_BITS | (count + 1);
    } while (!atomic_compare_exchange_weak(&rate->state, &state, next));
    return true;
}
