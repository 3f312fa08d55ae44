/* Accounts and groups as the operator names them: by number or by string id. */
#ifndef PARLEY_CTL_IDS_H
#define PARLEY_CTL_IDS_H

#include "services/ctl/ctl.h"

/* The number that `id` stands for, asking the service for one that is not decimal. CTL_DONE, or
 * CTL_FAILED after a printed line. */
int ids_find_account(const struct ctl_settings *settings, const char *id, uint64_t *number_r)
    __attribute__((warn_unused_result));
int ids_find_group(const struct ctl_settings *settings, const char *id, uint64_t *number_r)
    __attribute__((warn_unused_result));

#endif
