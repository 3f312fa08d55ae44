/* GET /api/info. */
#include "services/gateway/info.h"

#include <cjson/cJSON.h>

#include "proto/ids.h"
#include "proto/messages.h"
#include "proto/shared_options.h"
#include "services/gateway/edge/json.h"

/* Those that a client meets whatever it does, as docs/limits.md has them. */
static bool add_limits(cJSON *info) {
    static const struct {
        const char *name;
        double number;
    } limits[] = {
        {"object_bytes", (double)EDGE_MAX_OBJECT},
        {"text_bytes", TEXT_MAX_BYTES},
        {"id_bytes", ID_MAX_BYTES},
        {"name_characters", NAME_MAX_CHARACTERS},
        {"about_characters", ABOUT_MAX_CHARACTERS},
        {"password_bytes", PASSWORD_MAX_BYTES},
        {"mentions", MENTIONS_MAX},
        {"emoji_bytes", EMOJI_MAX_BYTES},
        {"search_characters_least", SEARCH_LEAST},
        {"search_characters", SEARCH_MOST},
        {"list", LIST_MAX},
    };
    cJSON *object = cJSON_AddObjectToObject(info, "limits");
    for (size_t i = 0; object != NULL && i < sizeof limits / sizeof limits[0]; i++)
        if (cJSON_AddNumberToObject(object, limits[i].name, limits[i].number) == NULL)
            return false;
    return object != NULL;
}

static const char *registration_of(const struct gateway_settings *settings) {
    static const char *const words[] = {[REGISTRATION_OPEN] = "open",
                                        [REGISTRATION_CLOSED] = "closed",
                                        [REGISTRATION_TOKEN] = "token"};
    return words[settings->registration];
}

char *info_write(const struct gateway_settings *settings) {
    cJSON *info = cJSON_CreateObject();
    bool whole =
        cJSON_AddStringToObject(info, "name", settings->server_name) != NULL &&
        cJSON_AddStringToObject(info, "version", PARLEY_VERSION) != NULL &&
        cJSON_AddStringToObject(info, "registration", registration_of(settings)) != NULL &&
        cJSON_AddNumberToObject(info, "recall_minutes", (double)settings->recall_minutes) != NULL &&
        cJSON_AddNumberToObject(info, "edit_minutes", (double)settings->edit_minutes) != NULL &&
        cJSON_AddBoolToObject(info, "demo", settings->demo) != NULL && add_limits(info);
    char *text = whole ? cJSON_PrintUnformatted(info) : NULL;
    cJSON_Delete(info);
    return text;
}
