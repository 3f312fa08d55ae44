/* seccomp, where the kernel has it. */
#ifndef PARLEY_PREVIEW_SANDBOX_SECCOMP_H
#define PARLEY_PREVIEW_SANDBOX_SECCOMP_H

#include <stdbool.h>

/* False: the kernel has none, or refuses it. */
bool sandbox_seccomp(bool runs_tool);

#endif
