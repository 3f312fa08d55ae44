/* The parameters of a call, by their names; see api.h. */
#include <string.h>

#include "services/gateway/dialect/api.h"

const struct api_value *api_value(const struct api_request *request, const char *name) {
    for (const struct api_param *param = request->operation->params; param->name != NULL; param++)
        if (strcmp(param->name, name) == 0)
            return &request->values[param - request->operation->params];
    return NULL;
}

uint64_t api_actor(const struct api_request *request) {
    for (const struct api_param *param = request->operation->params; param->name != NULL; param++)
        if (param->actor)
            return request->values[param - request->operation->params].number;
    return 0;
}
