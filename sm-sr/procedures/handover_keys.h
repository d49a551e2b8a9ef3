/* sm-sr/procedures/handover_keys.h: the key sets that the new SM-SR agrees with a card in an SM-SR change: SCP80 through
 * the old SM-SR, then SCP81 on its own (SGP.02 §4.1.1.9; fact book oncard 3.7). What must be remembered is in the
 * operation: op->memory (versions, tries), op->data (curve, point of the ECASD, which
 * certificate of ours is shown, the old key sets), op->secret (the
 * ephemeral key, wrapped). */
#ifndef OSPREY_SMSR_HANDOVER_KEYS_H
#define OSPREY_SMSR_HANDOVER_KEYS_H

#include "lib/scp/key_establishment.h"
#include "sm-sr/turn.h"

/* Chooses versions that the card does not use. Fails when there is none, or no certificate of ours on the card's curve. */
struct status smsr_handover_keys_begin(struct turn *t, struct operation *op, const struct eis *eis,
                                       const struct ec_key *ecasd);
/* Identity of op->secret. */
struct span smsr_handover_aad(const char *eid, char out[SMSR_AAD_SIZE]);
const struct card_certificate *smsr_handover_certificate(const struct turn *t, const struct operation *op);
/* What the card is shown: the certificate's DGI, in the arena; empty: we have none. */
struct span smsr_handover_certificate_dgi(const struct turn *t, const struct operation *op);
/* usage: KEYSET_SCP80 or KEYSET_SCP81. */
uint8_t smsr_handover_kvn(const struct operation *op, enum keyset_usage usage);
void smsr_handover_try(struct operation *op, enum keyset_usage usage); /* one more */
bool smsr_handover_may_try(const struct operation *op, enum keyset_usage usage);

/* Draws an ephemeral key for that set, keeps it, and signs. ret_host: to be wiped by the caller. */
MUST_USE enum err smsr_handover_key_offer(struct turn *t, struct operation *op, enum keyset_usage usage, struct span rc,
                                          struct ka_host *ret_host, struct span *ret_signature);
/* The same, as what we send to the card ourselves; *ret_block: the number of its first block, behind those of the
 * certificate. ERR_NOT_FOUND: no certificate. */
MUST_USE enum err smsr_handover_key_command(struct turn *t, struct operation *op, enum keyset_usage usage, struct span rc,
                                            struct span *ret_dgis, uint8_t *ret_block);
/* The keys become a key set of the eUICC. ERR_VERIFY: the receipt is wrong. */
MUST_USE enum err smsr_handover_key_take(struct turn *t, struct operation *op, enum keyset_usage usage, struct span dr,
                                         struct span receipt);

/* FinaliseISDRHandover: the key sets of the former SM-SR. */
struct es5_delete smsr_handover_old_keys(const struct operation *op);

#endif
