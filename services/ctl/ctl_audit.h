/* Notes the operator's commands in the audit. */
#ifndef PARLEY_CTL_AUDIT_H
#define PARLEY_CTL_AUDIT_H

#include "services/ctl/ctl.h"

/* Notes a command that was carried out, with its arguments and for whom it was; no text that was
 * sent, and no password of a URL. Where that fails it says so; the
 * command stays done. */
void ctl_audit_note(const struct ctl_settings *settings, const struct ctl_command *command,
                    int argc, char **argv);

#endif
