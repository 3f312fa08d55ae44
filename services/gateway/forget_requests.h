/* The request to end one's account; see requests.h. */
#ifndef PARLEY_GATEWAY_FORGET_REQUESTS_H
#define PARLEY_GATEWAY_FORGET_REQUESTS_H

struct client;

void forget_request_ask(struct client *client);

#endif
