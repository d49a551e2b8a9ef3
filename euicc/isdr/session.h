/* euicc/isdr/session.h: commands that reach a security domain: over which bearer, for which one, and what they left
 * behind for the next command (INSTALL [for personalization], half a certificate, a secure channel). */
#ifndef OSPREY_EUICC_ISDR_SESSION_H
#define OSPREY_EUICC_ISDR_SESSION_H

#include "euicc/card.h"
#include "lib/codec/writer.h"
#include "lib/gp/apdu.h"
#include "lib/gp/ram_script.h"
#include "lib/gp/store_data.h"
#include "lib/model/aid.h"
#include "lib/scp/scp03.h"

struct card;
struct installation;

/* SD_MNOSD: any security domain of the enabled profile. SD_RFM is none: a remote file management instance of the
 * profile, under the keys of the MNO-SD or of another of its security domains. */
enum sd_kind { SD_NONE, SD_ISDR, SD_ECASD, SD_ISDP, SD_MNOSD, SD_RFM };
enum sd_bearer { SD_BY_SMS, SD_BY_HTTP, SD_BY_CAT_TP, SD_BY_TERMINAL };

struct sd_target {
    enum sd_kind kind;
    uint16_t slot; /* ISD-P, MNO-SD, RFM: of the profile */
    uint32_t tar;  /* RFM: which instance */
    uint8_t sd;    /* MNO-SD, RFM: whose keys, of the security domains of the profile; 0 is the MNO-SD */
};

#define SD_COLLECTED_MAX     1024u /* octets of STORE DATA blocks that belong together */
#define SD_RC_LEN            16u
#define SD_VOLATILE_FREE     16384u /* octets told in FF21: what a script may use */
#define SD_ANSWER_MAX        1024u  /* one R-APDU */
#define SD_SCRIPT_ANSWER_MAX 8192u
#define SD_PACKET_MAX        10240u /* a secured packet, whatever carries it */

/* Files a script changed: the terminal is told at its end. */
#define RFM_CHANGES_MAX 8u
struct rfm_changes {
    bool all; /* too many, or files made and deleted */
    uint8_t count;
    fs_number files[RFM_CHANGES_MAX];
};

struct sd_session {
    enum sd_bearer bearer;
    uint8_t kvn;              /* of the key set that protects it; 0: none */
    struct sd_target target;  /* executes the commands */
    struct sd_target forward; /* INSTALL [for personalization]: gets the STORE DATA; SD_NONE: target itself */
    bool chained;             /* a script of a chain was executed and another may follow */
    bool kept;                /* the chain goes on after a reset */
    uint16_t collected_len;
    uint8_t collected[SD_COLLECTED_MAX];
    struct { /* between 3A01 and 3A02 */
        bool ready;
        struct sd_target for_sd;
        uint8_t curve;
        uint8_t rc[SD_RC_LEN];
        uint8_t point[65];
    } establishment;
    struct scp03_session channel; /* of the ISD-P in channel_slot */
    uint16_t channel_slot;
    struct installation *install; /* profile download on that channel */
    bool rfm_begun;
    struct channel rfm; /* where the script stands in the file system */
    struct rfm_changes rfm_changes;
    uint8_t status_next; /* GET STATUS P2 = 03 goes on with this item of the registry */
};

/* Forgets everything and addresses this target. */
void sd_session_begin(struct sd_session *s, enum sd_bearer bearer, uint8_t kvn, struct sd_target target);
/* The next script addresses another SD of the same session: half-sent data are forgotten, a secure channel and the
 * download on it stay with their ISD-P. */
void sd_session_target(struct sd_session *s, struct sd_target target);
void sd_session_end(struct sd_session *s); /* wipes */

bool sd_same_target(const struct sd_target *a, const struct sd_target *b);

/* The SD of an AID, of a TAR; kind SD_NONE when there is none. */
struct sd_target sd_by_aid(struct card *card, struct span aid);
struct sd_target sd_by_tar(struct card *card, const uint8_t tar[TAR_LEN]);
struct application_rfm;
struct sd_target sd_of_rfm(struct card *card, uint16_t slot, const struct application_rfm *rfm,
                           const uint8_t tar[TAR_LEN]);
struct span sd_aid(struct card *card, const struct sd_target *t); /* of an ISD-P, empty otherwise */

/* Between scripts of short messages: writes a kept chain to card memory, or deletes what is there; takes it up again at
 * power-up (chain.c). */
void chain_keep(struct card *card, const struct sd_session *s);
void chain_resume(struct card *card, struct sd_session *s);

/* Executes one C-APDU, appends data and status word. */
void sd_apdu(struct card *card, struct sd_session *s, struct span capdu, struct writer *ret);
/* Executes a command script and appends the response script. */
void sd_script(struct card *card, struct sd_session *s, struct span script, struct writer *ret);

/* A row of an SD's command table. The handler appends response data and returns the status word. */
typedef uint16_t sd_handler(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data);
struct sd_rule {
    uint8_t ins;
    sd_handler *run;
};
/* Rows of the SDs: es5.c, isdp_channel.c, mnosd.c, ecasd.c; they end with run NULL. */
extern const struct sd_rule isdr_rules[], isdp_rules[], isdp_plain_rules[], mnosd_rules[], ecasd_rules[];
/* A handler for what is known, and not to be had here. */
uint16_t sd_refuse_wrong_data(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data);
uint16_t sd_run(const struct sd_rule *rules, struct card *card, struct sd_session *s, const struct capdu *c,
                struct writer *data);

/* STORE DATA: gathers blocks until their DGIs are complete. SW_OK with *ret_dgis (valid until the next command), or
 * with an empty span when more is to come, or the word. */
uint16_t sd_collect(struct sd_session *s, const struct capdu *c, struct span *ret_dgis);

/* INSTALL [for personalization] and the DGIs of key establishment, for an ISD-P or the ISD-R (establish.c). */
uint16_t sd_install_for_personalization(struct card *card, struct sd_session *s, struct span aid, struct writer *data);
uint16_t sd_take_certificate(struct card *card, struct sd_session *s, struct span certificate, struct writer *data);
uint16_t sd_agree_keys(struct card *card, struct sd_session *s, struct span dgis, struct writer *data);

/* A command to a remote file management instance: data and status word (mnosd/rfm.c). */
uint16_t rfm_command(struct card *card, struct sd_session *s, struct span capdu, struct writer *data);
/* The script is over: REFRESH with the list of files it changed. */
void rfm_refresh(struct card *card, struct sd_session *s);

/* A command to an ISD-P, in the clear or in its SCP03 channel (isdp_channel.c). */
uint16_t isdp_command(struct card *card, struct sd_session *s, const struct capdu *c, struct writer *data);
/* Ends the secure channel and the download on it. */
void isdp_channel_close(struct sd_session *s);
/* DGI 3A07 to an ISD-P: connectivity parameters; parts that are absent stay. In a transaction of its own. */
struct isdp;
uint16_t isdp_update_connectivity(struct card *card, struct isdp *isdp, struct span value);
/* One SCP03t TLV of a script for an ISD-P. false: the script ends here. */
bool isdp_scp03t(struct card *card, struct sd_session *s, const struct ram_item *item, struct ram_answer *answer);

#endif
