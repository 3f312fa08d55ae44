/* Requests about people and groups as they are shown: profiles, names, quiet. */
#ifndef PARLEY_GATEWAY_PEOPLE_REQUESTS_H
#define PARLEY_GATEWAY_PEOPLE_REQUESTS_H

struct client;

void people_request_profile(struct client *client);
void people_request_set_profile(struct client *client);
void people_request_set_group_profile(struct client *client);
void people_request_set_remark(struct client *client);
void people_request_set_nick(struct client *client);
void people_request_quiet(struct client *client);

#endif
