/* Requests about groups: each asks for the request in progress (request.h), whose group and person
 * have their numbers by then. */
#ifndef PARLEY_GATEWAY_GROUP_REQUESTS_H
#define PARLEY_GATEWAY_GROUP_REQUESTS_H

struct client;

void group_request_create(struct client *client);
void group_request_join(struct client *client);
void group_request_answer_join(struct client *client);
void group_request_admit(struct client *client);
void group_request_leave(struct client *client);
void group_request_remove_member(struct client *client);
void group_request_dissolve(struct client *client);
void group_request_set_admin(struct client *client);
void group_request_rename(struct client *client);

#endif
