/* Requests that change a stored text: each asks for the request in progress (request.h), whose
 * group and person have their numbers by then. */
#ifndef PARLEY_GATEWAY_CHANGE_REQUESTS_H
#define PARLEY_GATEWAY_CHANGE_REQUESTS_H

struct client;

void change_request_recall(struct client *client);
void change_request_edit(struct client *client);
void change_request_react(struct client *client);

#endif
