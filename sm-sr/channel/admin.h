/* sm-sr/channel/admin.h: administration sessions of cards (SCP81: HTTP over PSK-TLS, GlobalPlatform Amendment B; oncard
 * book §8). A session is volatile: when it breaks the card comes again and finds the same scripts. */
#ifndef OSPREY_SMSR_ADMIN_H
#define OSPREY_SMSR_ADMIN_H

#include "sm-sr/store/euicc.h"

struct smsr_config;
struct smsr;

#define SMSR_ADMIN_HOLD     1 /* reply status: nothing yet, but soon: the request waits */
#define SMSR_ADMIN_DONE     2 /* nothing more; the session ends, unless something else keeps it */
#define SMSR_ADMIN_IDLE_MS  300000u
#define SMSR_ADMIN_BODY_MAX (1u << 20)

/* The whole HTTP response that carries the script of x, in the arena. */
struct span smsr_admin_script(struct arena *a, const struct smsr_config *config, const struct exchange *x);
/* What was to be given to a session or link finds it gone: the card of that line is asked to come again. */
void smsr_script_lost(struct smsr *s, const char *line);
bool smsr_admin_busy(const struct smsr *s); /* a card is at a script */
void smsr_admin_close_all(struct smsr *s);

#endif
