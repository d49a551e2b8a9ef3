/* sm-dp/config.h: the SM-DP's configuration file. */
#ifndef OSPREY_SMDP_CONFIG_H
#define OSPREY_SMDP_CONFIG_H

#include "lib/daemon/config.h"
#include "smdp.h"

extern const struct config_option smdp_options[];
extern const size_t smdp_option_count;

/* partners: room for SMDP_PARTNERS_MAX. Certificates and roots are loaded; detail says what is wrong, with the section. */
MUST_USE enum err smdp_config_read(const struct config *file, struct smdp_partner *partners, struct trust *trust,
                                   struct smdp_config *ret, char *detail, size_t cap);
void smdp_config_done(struct smdp_config *config);

/* Orders in [profile NAME] sections: each is handed to smdp_order; s NULL: they are read and no more. */
MUST_USE enum err smdp_config_orders(const struct config *file, struct smdp *s, char *detail, size_t cap);

#endif
