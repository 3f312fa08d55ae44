/* The objects that the HTTP API answers the operator with; see api_schemas.h. */
#include "common/messages.h"
#include "proto/messages.h"
#include "services/gateway/dialect/api_properties.h"
#include "services/gateway/dialect/api_schemas.h"

#define ALWAYS(name_, help_)                                                                       \
    { .name = (name_), .shape = API_SHOW_NUMBER, .always = true, .field = (name_), .help = (help_) }
#define WORD_OF(name_, help_)                                                                      \
    { .name = (name_), .shape = API_SHOW_TEXT, .always = true, .field = (name_), .help = (help_) }

/* --- the audit ------------------------------------------------------------------------------ */

static const struct api_schema event_schema = {
    "AuditEvent", &audited_desc,
    PROPERTIES{ALWAYS("number", "its number; that of a later one is larger"),
               ALWAYS("time_ms", "when it was, milliseconds since 1970"),
               WORD_OF("event", "what was done"),
               NUMBER("account", "the number of the account that did it; absent: the operator"),
               NUMBER("subject", "the number of the account or group that it was done to"),
               TEXT("address", "the client's address, where it is known"),
               {.name = "trace",
                .shape = API_SHOW_HEX,
                .field = "trace",
                .help = "by which the logs of the services have the rest of it"},
               TEXT("detail", "more of it, for people"),
               {0}}};

const struct api_schema api_audit = {
    "Audit", &auth_list_audit_reply_desc,
    PROPERTIES{{.name = "events",
                .shape = API_SHOW_LIST,
                .always = true,
                .field = "items",
                .schema = &event_schema,
                .help = "the newest first"},
               MORE,
               NEXT("items", "number", "where there are more: the `before` of the next page"),
               {0}}};

/* --- hooks ---------------------------------------------------------------------------------- */

static const char *const states[] = {"well", "failing", "parked", NULL};

static const struct api_schema hook_schema = {
    "Hook", &shown_hook_desc,
    PROPERTIES{WORD_OF("name", "its name"),
               {.name = "state",
                .shape = API_SHOW_WORD,
                .always = true,
                .field = "state",
                .words = states,
                .help = "parked: it has failed for so long that it is not tried any more"},
               TEXT("url", "the address that is told; none: the hook is the server's own Web Push"),
               WORD_OF("events", "what it is told of, with commas between the words"),
               ALWAYS("behind", "how many rows of the journal it was not told of"),
               ALWAYS("told", "how many events it has taken"),
               NUMBER("told_ms", "when it took the last, milliseconds since 1970"),
               NUMBER("lost", "how many rows of the journal were too old to tell it of"),
               NUMBER("failing_since_ms", "since when it fails, milliseconds since 1970"),
               TEXT("fault", "what the last try failed with"),
               ALWAYS("created_ms", "when it was made, milliseconds since 1970"),
               {0}}};

const struct api_schema api_hooks = {"Hooks", &hooks_list_reply_desc,
                                     PROPERTIES{{.name = "hooks",
                                                 .shape = API_SHOW_LIST,
                                                 .always = true,
                                                 .field = "items",
                                                 .schema = &hook_schema,
                                                 .help = "by name"},
                                                {0}}};

/* --- services ------------------------------------------------------------------------------- */

const struct api_schema api_instance = {
    "Instance", &service_status_desc,
    PROPERTIES{WORD_OF("service", "the name of its service"),
               FLAG("ready", "whether it does its work"),
               TEXT("lacks", "why it does not"),
               TEXT("version", "the version of its build"),
               {.name = "instance",
                .shape = API_SHOW_HEX,
                .field = "instance",
                .help = "its number, random at its start"},
               NUMBER("uptime_ms", "the time since its start"),
               NUMBER("calls", "requests that it is at"),
               {.name = "queues",
                .shape = API_SHOW_QUEUES,
                .field = "queues",
                .help = "how much waits in it, and how much may"},
               {0}}};

const struct api_schema api_services = {
    "Services", &service_statuses_desc,
    PROPERTIES{{.name = "services",
                .shape = API_SHOW_LIST,
                .always = true,
                .field = "items",
                .schema = &api_instance,
                .help =
                    "all instances that the gateway knows, by service; a service without one has "
                    "one that is not ready"},
               {0}}};
