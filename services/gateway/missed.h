/*
 * Finds entries that clients may have missed when an instance was lost that writes to the message
 * log.
 *
 * A delivery or group may have committed entries and died before it handed them to session; nor can
 * what the database is still committing be read yet. So some time after a loss the gateway compares
 * what its clients have with the message log: for many of them at once delivery is asked which of
 * their conversations have further entries, and which accounts are in another number of
 * conversations. Only those clients catch up, and only there. The rounds of several gateways are
 * spread over time, and so are the requests of one.
 */
#ifndef PARLEY_GATEWAY_MISSED_H
#define PARLEY_GATEWAY_MISSED_H

struct gateway;
struct missed;

/* NULL without memory. */
struct missed *missed_new(struct gateway *gateway);
/* After the peers are destroyed, which ends the request that is on its way. */
void missed_destroy(struct missed **self);
/* Such an instance was lost: all clients that are here are compared, once, in a while. */
void missed_compare_later(struct missed *self);

#endif
