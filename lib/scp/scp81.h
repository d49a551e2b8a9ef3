/* lib/scp/scp81.h: RAM over HTTP (GlobalPlatform Amendment B, SGP.02 §2.4.3): PSK identity, the triggering message,
 * and the values of the X-Admin headers, both directions, as text and bytes only. TLS is lib/crypto/tls.h, HTTP is
 * lib/wire/http1.h. */
#ifndef OSPREY_SCP_SCP81_H
#define OSPREY_SCP_SCP81_H

#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

/* ---- PSK identity: ASCII upper-case hex of 80 01 02 · 81 10 EID · 4F 10 AID · 82 01 KID · 83 01 KVN */
#define SCP81_IDENTITY_MAX 128u
struct scp81_identity {
    uint8_t eid[16];
    uint8_t aid[16];
    uint8_t aid_len; /* 5 … 16; 0 is taken as 16 */
    uint8_t kid, kvn;
};
void scp81_identity_write(struct writer *w, const struct scp81_identity *id); /* text, no NUL */
MUST_USE enum err scp81_identity_parse(struct span text, struct scp81_identity *ret);

/* ---- triggering (push) message: 81 { 83 { 84 connection · 85 security · 86 retry · 89 HTTP POST } }; every part is
 * optional, absent ones come from the card's stored parameters. */
struct scp81_trigger {
    struct span connection;   /* value of 84: COMPREHENSION-TLVs as of OPEN CHANNEL (05 35 39 47 3C 3E) */
    struct span security;     /* value of 85 */
    struct span psk_identity; /* of 85, when it parses */
    bool has_key;             /* of 85 */
    uint8_t kvn, kid;
    bool has_retry;
    uint16_t retry_count;
    uint8_t retry_timer[3];       /* hours, minutes, seconds as in the timer value A5 03 */
    struct span retry_report;     /* rest of 86 */
    struct span host, agent, uri; /* 8A 8B 8C of 89; text */
    struct span dns;              /* value of B3 */
};
#define SCP81_TRIGGER_MAX 512u
void scp81_trigger_write(struct writer *w, const struct scp81_trigger *t);
/* The objects inside 83; unknown ones are skipped. */
MUST_USE enum err scp81_session_parse(struct span objects, struct scp81_trigger *ret);
/* ERR_BAD_TAG when it is not an 81 { 83 … }. */
MUST_USE enum err scp81_trigger_parse(struct span bytes, struct scp81_trigger *ret);

/* ---- headers */
#define SCP81_PROTOCOL        "globalplatform-remote-admin/1.0"
#define SCP81_TYPE_COMMAND    "application/vnd.globalplatform.card-content-mgt;version=1.0"
#define SCP81_TYPE_RESPONSE   "application/vnd.globalplatform.card-content-mgt-response;version=1.0"
#define SCP81_HEADER_PROTOCOL "X-Admin-Protocol"
#define SCP81_HEADER_FROM     "X-Admin-From"
#define SCP81_HEADER_NEXT_URI "X-Admin-Next-URI"
#define SCP81_HEADER_TARGET   "X-Admin-Targeted-Application"
#define SCP81_HEADER_STATUS   "X-Admin-Script-Status"
#define SCP81_HEADER_RESUME   "X-Admin-Resume"
#define SCP81_FROM_MAX        160u
#define SCP81_TARGET_MAX      64u

/* //aid/A000000559/1010FFFFFFFF8900000100 */
void scp81_target_write(struct writer *w, struct span aid);
MUST_USE enum err scp81_target_parse(struct span text, uint8_t ret_aid[16], size_t *ret_len);

/* //se-id/eid/<EID>;//aa-id/aid/<RID>/<PIX>; read with aaid too, and a bare ICCID. */
struct scp81_from {
    bool has_eid;
    uint8_t eid[16];
    bool has_iccid;
    char iccid[21];
    uint8_t aid[16];
    size_t aid_len; /* 0: none */
};
void scp81_from_write(struct writer *w, const uint8_t eid[16], struct span aid);
MUST_USE enum err scp81_from_parse(struct span text, struct scp81_from *ret);

enum scp81_status { SCP81_OK, SCP81_UNKNOWN_APPLICATION, SCP81_NOT_A_SECURITY_DOMAIN, SCP81_SECURITY_ERROR };
const char *scp81_status_text(enum scp81_status status);
MUST_USE enum err scp81_status_parse(struct span text, enum scp81_status *ret);

#endif
