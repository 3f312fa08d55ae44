/*
 * 307, 309: lists of people. Group has them, session knows which of them are online, and delivery
 * how far the members of a small group have read. Each is asked in turn; a page of the list is kept
 * with the request until all have replied.
 */
#ifndef PARLEY_GATEWAY_PEOPLE_LISTS_H
#define PARLEY_GATEWAY_PEOPLE_LISTS_H

struct client;

void people_list_friends(struct client *client);
void people_list_members(struct client *client);

#endif
