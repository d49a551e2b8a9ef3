/* conform/cases.h: the groups of cases, and what several of them share. */
#ifndef OSPREY_CONFORM_CASES_H
#define OSPREY_CONFORM_CASES_H

#include "bed.h"

extern const struct case_group create_group, delete_group, keys_group, scp03t_group, scp03_group, switch_group,
    audit_group, notify_group, scp80_group, scp81_group, handover_group, local_group, cattp_group, server_group;

/* SIN, SDIN, application provider and the token key (KVN 70) into the ISD-P over SCP03; every answer must be R-MACed.
 */
void token_prepare(struct bed *b, struct download *d);
/* MasterDelete with these values; spoil is added to the token's last octet. */
struct span master_command(struct bed *b, const struct aid *aid, uint8_t spoil);
/* PUT KEY of the token key, plain; spoil is added to the key check value. */
struct span put_token_key(struct bed *b, const struct scp03_session *s, uint8_t spoil);
/* Seconds until the card must have done a thing that its timing says, with some to spare; skips when it is not known.
 */
uint64_t time_limit(struct bed *b, uint64_t known_s);
/* ISD-R key establishment in a session of its own; the word of STORE DATA 3A02, receipt verified when it is 9000. */
uint16_t isdr_agree(struct bed *b, struct agreement *a);

#endif
