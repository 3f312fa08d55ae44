/* Going through a table of options, included tables in their place. */
#include "common/config_options.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>

bool config_walk(const struct config_option *options, void *base, config_visit *visit,
                 void *argument) {
    for (const struct config_option *option = options; option->name != NULL; option++) {
        void *member = (char *)base + option->offset;
        if (option->name[0] == '\0') {
            const struct config_option *included = (const void *)option->text;
            if (!config_walk(included, member, visit, argument))
                return false;
        } else if (!visit(option, member, argument)) {
            return false;
        }
    }
    return true;
}

void config_environment_name(const char *option, char out[CONFIG_ENVIRONMENT_NAME_BYTES]) {
    int length = snprintf(out, CONFIG_ENVIRONMENT_NAME_BYTES, "PARLEY_%s", option);
    assert(length > 0 && length < CONFIG_ENVIRONMENT_NAME_BYTES);
    (void)length;
    for (char *letter = out; *letter != '\0'; letter++)
        *letter = (char)toupper((unsigned char)*letter);
}
