/* All operations of the HTTP API; see api.h. */
#include "services/gateway/dialect/api_tables.h"

const struct api_operation *api_operation_at(size_t i) {
    static const struct api_operation *const tables[] = {api_accounts_table, api_groups_table,
                                                         api_talk_table, api_operator_table};
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (const struct api_operation *operation = tables[t]; operation->name != NULL;
             operation++)
            if (i-- == 0)
                return operation;
    return NULL;
}
