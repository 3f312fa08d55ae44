/* Requests about people and groups as they are shown; see people_requests.h. */
#include "services/gateway/people_requests.h"

#include "services/gateway/client.h"
#include "services/gateway/request.h"

void people_request_quiet(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct delivery_quiet body = {.account = client->account,
                                  .user = request->person.number,
                                  .group = request->group.number,
                                  .until_ms = request->until_ms};
    request_ask(client, client->gateway->delivery, &message_DELIVERY_QUIET, &body, request_end);
}
