/* The value of one option, from its text. Inside config alone. */
#ifndef PARLEY_COMMON_CONFIG_VALUES_H
#define PARLEY_COMMON_CONFIG_VALUES_H

#include "common/config_options.h"

#define CONFIG_FAULT_BYTES 512

/* Whether its member is a `char *` on the heap. */
bool config_is_text(const struct config_option *option);

/* The words of a choice, as a sentence lists them: "open, closed". */
#define CONFIG_WORDS_BYTES 128
const char *config_words(const struct config_option *option, char out[CONFIG_WORDS_BYTES]);

/* Sets the option's member; a text is copied, and the one before freed. -1 with a sentence in
 * `fault_r`, which never shows a secret. */
int config_set(const struct config_option *option, void *member, const char *text,
               char fault_r[CONFIG_FAULT_BYTES]) __attribute__((warn_unused_result));

#endif
