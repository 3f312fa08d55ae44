/* Accounts by their ids. */
#include "services/auth/auth.h"
#include "services/auth/auth_sql.h"

enum err auth_find_by_id(struct db *db, const struct id_forms *forms, struct db_rows **rows_r) {
    struct db_value ids[ID_FORMS];
    for (size_t i = 0; i < ID_FORMS; i++)
        ids[i] = i < forms->count ? db_text(forms->items[i]) : db_null();
    return db_query(db, &auth_sql_find_by_id, ids, ID_FORMS, rows_r);
}
