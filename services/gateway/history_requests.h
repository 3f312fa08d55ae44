/* Requests that read the message log: each asks for the request in progress (request.h), whose
 * group and person have their numbers by then. */
#ifndef PARLEY_GATEWAY_HISTORY_REQUESTS_H
#define PARLEY_GATEWAY_HISTORY_REQUESTS_H

struct client;

void history_request_read(struct client *client);
void history_request_list(struct client *client);
void history_request_search(struct client *client);

#endif
