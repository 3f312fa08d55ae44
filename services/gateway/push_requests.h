/* The request for Web Push (345): what the client's login has as its subscription. */
#ifndef PARLEY_GATEWAY_PUSH_REQUESTS_H
#define PARLEY_GATEWAY_PUSH_REQUESTS_H

struct client;

void push_request_subscribe(struct client *client);

#endif
