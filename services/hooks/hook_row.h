/* A row of the table hook, as the service works with it. */
#ifndef PARLEY_HOOKS_HOOK_ROW_H
#define PARLEY_HOOKS_HOOK_ROW_H

#include "common/db.h"
#include "services/hooks/selection.h"
#include "services/webhook/signature.h"

/* no limit: texts of messages, with the 0 at their end */
#define HOOK_NAME_ROOM 65
#define HOOK_URL_ROOM 2049

struct hook_row {
    uint64_t number; /* never used again */
    char name[HOOK_NAME_ROOM], url[HOOK_URL_ROOM], secret[SIGNATURE_SECRET_ROOM];
    struct selection selection;
    uint64_t seq;         /* up to where in the journal it was told */
    bool failing, parked; /* it did not take the last events; it is not tried any more */
};

/* Of a row of hooks_sql_list. */
void hook_row_read(const struct db_rows *rows, struct hook_row *row_r);
/* Whether the operator may make such a hook; the name and the url are as given. HOOK_WEB_PUSH is
 * the name of the one that Web Push is, which has no address. */
#define HOOK_WEB_PUSH "web-push"
bool hook_name_is_valid(struct slice name);
bool hook_url_is_valid(struct slice url);

#endif
