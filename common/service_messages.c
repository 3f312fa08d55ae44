/* The messages that every service answers, declared in service.h. */
#include "common/service.h"

RECORD_DEFINE(service_ping, SERVICE_PING_FIELDS, "a heartbeat")
RECORD_DEFINE(service_pong, SERVICE_PONG_FIELDS, "its answer")
RECORD_DEFINE(service_status, SERVICE_STATUS_FIELDS, "how the instance is")
RECORD_DEFINE(service_cancel, SERVICE_CANCEL_FIELDS, "a request that is given up")
const struct message_desc message_SERVICE_PING = {
    "service.ping", &service_ping_desc, &service_pong_desc,
    "asks whether an instance is there and ready; every service answers"};
const struct message_desc message_SERVICE_STATUS = {
    "service.status", &service_ping_desc, &service_status_desc,
    "asks how an instance is, with its queues and counters; every service answers"};
const struct message_desc message_SERVICE_CANCEL = {
    "service.cancel", &service_cancel_desc, NULL,
    "an event: what of it has not begun is dropped, and answered with an error"};
