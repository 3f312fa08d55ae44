/* parleyctl user export: all that an account has made, for the person whose account it is. */
#ifndef PARLEY_CTL_EXPORT_H
#define PARLEY_CTL_EXPORT_H

#include "services/ctl/ctl.h"

/*
 * limit: tool | entries of a conversation that `user export` reads at once | {EXPORT_PAGE} | the
 * next page
 */
#define EXPORT_PAGE 2000

/*
 * Prints JSON lines, objects that `kind` tells apart: one "profile", then each "friend", "group"
 * and "text". Reads a page at a time, so an account may have any number of texts. CTL_DONE, or
 * CTL_FAILED after a printed line: then what was printed may not be all.
 */
int ctl_export(const struct ctl_settings *settings, uint64_t account)
    __attribute__((warn_unused_result));

#endif
