/* sm-sr/config.h: the program's configuration file as struct smsr_config. */
#ifndef OSPREY_SMSR_CONFIG_H
#define OSPREY_SMSR_CONFIG_H

#include "lib/daemon/config.h"
#include "smsr.h"

extern const struct config_option smsr_options[];
extern const size_t smsr_option_count;

/* partners: room for SMSR_PARTNERS_MAX; their certificates are owned by it (smsr_config_done).
 * detail: what is wrong, for people; cap octets. */
MUST_USE enum err smsr_config_read(const struct config *file, struct smsr_partner *partners, struct trust *trust,
                                   struct smsr_config *ret, char *detail, size_t cap);
void smsr_config_done(struct smsr_config *config);

#endif
