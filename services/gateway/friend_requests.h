/* Requests about friends and oneself: each asks for the request in progress (request.h), whose
 * person has its number by then. */
#ifndef PARLEY_GATEWAY_FRIEND_REQUESTS_H
#define PARLEY_GATEWAY_FRIEND_REQUESTS_H

struct client;

void friend_request_befriend(struct client *client);
void friend_request_answer(struct client *client);
void friend_request_unfriend(struct client *client);
void friend_request_rename_self(struct client *client);

#endif
