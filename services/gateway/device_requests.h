/* A client's requests about its account's logins; each is an operation of requests.c. */
#ifndef PARLEY_GATEWAY_DEVICE_REQUESTS_H
#define PARLEY_GATEWAY_DEVICE_REQUESTS_H

struct client;

/* 319: ends a login, where one is named, and lists those there are. */
void device_request_list(struct client *client);

#endif
