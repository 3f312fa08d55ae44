/*
 * Checks of a command before any service is asked. Each gives CTL_DONE, or CTL_USAGE after a
 * printed line.
 */
#ifndef PARLEY_CTL_CHECK_H
#define PARLEY_CTL_CHECK_H

#include "services/ctl/ctl.h"

/* By the words that `command->arguments` has for them: ADDRESS, TEXT, REASON, DAYS, and ids. */
int check_arguments(const struct ctl_command *command, int argc, char **argv)
    __attribute__((warn_unused_result));
/* The lists of instances. */
int check_peers(const struct ctl_peers *peers) __attribute__((warn_unused_result));

/* `what` names it to the user. An empty one is none. */
int check_id(const char *what, const char *id) __attribute__((warn_unused_result));
int check_name(const char *what, const char *name) __attribute__((warn_unused_result));
int check_email(const char *what, const char *email) __attribute__((warn_unused_result));

#endif
