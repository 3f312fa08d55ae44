/* Landlock, where the kernel has it. */
#ifndef PARLEY_PREVIEW_SANDBOX_LANDLOCK_H
#define PARLEY_PREVIEW_SANDBOX_LANDLOCK_H

#include <stdbool.h>

/* Landlock's version; 0: the kernel has none, or refuses it. */
unsigned sandbox_landlock(bool runs_tool);

#endif
