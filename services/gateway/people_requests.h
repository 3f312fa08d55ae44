/* Requests about people and groups as they are shown: quiet. */
#ifndef PARLEY_GATEWAY_PEOPLE_REQUESTS_H
#define PARLEY_GATEWAY_PEOPLE_REQUESTS_H

struct client;

void people_request_quiet(struct client *client);

#endif
