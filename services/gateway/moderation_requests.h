/* Requests to block, mute and ban accounts; see requests.h. */
#ifndef PARLEY_GATEWAY_MODERATION_REQUESTS_H
#define PARLEY_GATEWAY_MODERATION_REQUESTS_H

struct client;

void moderation_request_block(struct client *client);
void moderation_request_mute(struct client *client);
void moderation_request_ban(struct client *client);

#endif
