/* The gateway's options: the members of struct gateway_settings. */
#ifndef PARLEY_GATEWAY_OPTIONS_H
#define PARLEY_GATEWAY_OPTIONS_H

#include "common/config.h"

extern const struct config_option gateway_options[];

#endif
