/* tests/unit/isdr/lab.h: a card on the bench: memory that can fail, a clock one turns by hand, chance one can dictate,
 * a terminal that does what a test wants it to do (and records what the card asked for), and an SM-SR end for SCP80 and
 * for administration sessions made of the same engines the real one uses. */
#ifndef OSPREY_TESTS_ISDR_LAB_H
#define OSPREY_TESTS_ISDR_LAB_H

#include "tests/support/test.h"

#include "euicc/card.h"
#include "euicc/isdr/isdr.h"
#include "euicc/nvm/nvm_memory.h"
#include "lib/crypto/tls.h"
#include "lib/ota/es5.h"
#include "lib/scp/scp80.h"
#include "lib/scp/scp81.h"
#include "lib/wire/http1.h"

#define LAB_RANDOM_MAX 8u
#define LAB_SMS_MAX    64u
#define LAB_STEPS_MAX  64u
#define LAB_SCRIPT_MAX (300u * 1024u)

struct lab_server_step {
    const char *target; /* text of X-Admin-Targeted-Application; NULL: none */
    struct span script;
};
struct lab_request {
    char uri[600], status[40], resume[8];
    bool has_body;
    size_t len;
    uint8_t body[9000];
};
/* The SM-SR's HTTPS end: answers request n with step n, then 204. */
struct lab_server {
    uint8_t psk[16];
    struct lab_server_step steps[LAB_STEPS_MAX];
    size_t step_count, answered;
    struct lab_request requests[LAB_STEPS_MAX + 1];
    size_t request_count;
    size_t connections, drop_after_requests; /* 0: never; else the line breaks instead of answer number n */
    struct tls_ctx *ctx;
    struct tls *tls;
    struct http1_reader http;
    uint8_t head[HTTP1_HEAD_MAX];
    size_t out_len;
    uint8_t *out; /* LAB_SCRIPT_MAX */
    bool failed;
    bool mute; /* takes what comes and says nothing */
};

struct lab_terminal {
    unsigned pending;                                /* octets of the proactive command that waits; 0: none */
    uint8_t sms_dcs; /* of what it hands to the card; 0: class 2 */
    uint8_t sms_result, open_result, refresh_result; /* general results to give; 0: done */
    bool serviced;                                   /* what PROVIDE LOCAL INFORMATION tells */
    uint32_t serves_only; /* the network knows the profile of this TAR only; 0: see serviced */
    bool ignores_refresh; /* answers it and does not reset */
    uint8_t refresh_mode, refresh_files[60]; /* of the latest REFRESH */
    size_t refresh_files_len;
    bool no_power;        /* the memory failed: nothing more happens */
    size_t resets, refreshes, opens, closes, submits;
    struct {
        uint8_t len, ud[SMS_UD_MAX];
        char to[SMS_DIGITS_MAX + 1];
        uint8_t centre_len, centre[12];
    } sms[LAB_SMS_MAX];
    size_t sms_count;
    uint8_t open_command[260];
    size_t open_len;
    bool channel, told;
};

#define LAB_DATAGRAMS_MAX 64u
/* The network behind the terminal's UDP channel; no terminal has UDP while take is NULL. */
struct lab_udp {
    void *context;
    void (*take)(void *context, struct span datagram); /* of the card */
    bool open;
    uint8_t up[2000];
    size_t up_len; /* pieces that the terminal has stored */
    struct {
        uint16_t len;
        uint8_t octets[1500];
    } down[LAB_DATAGRAMS_MAX]; /* for the card */
    size_t first, count, fetched;
};

struct lab {
    struct nvm_memory memory;
    struct {
        struct clock seam;
        uint64_t now_ms;
    } clock;
    struct {
        struct rng seam;
        struct span queue[LAB_RANDOM_MAX];
        size_t count;
        uint64_t seed;
    } rng;
    struct env env;
    struct arena arena;
    struct euicc *euicc;
    struct euicc_personalisation p;
    struct lab_terminal terminal;
    struct lab_server server;
    struct lab_udp udp;
    const uint8_t *key;    /* KIc = KID of what smsr_packet sends; LAB_KEY at first */
    uint64_t sent_counter; /* SCP80, to the card */
    uint8_t reference;
};

extern const uint8_t LAB_KEY[16]; /* KIc = KID of the vectors, KVN 01 */
extern const uint8_t LAB_PSK[16]; /* KVN 40 */

/* A card fresh from the factory with EID, ECASD of test keys, KVN 01 and 40; with_profile: a bootstrap profile
 * (TS48v3_SAIP2.3_NoBERTLV) on ISD-P 0010, enabled, fall-back. Skips the test when the shared material is absent. */
void lab_init(struct lab *lab); /* personalisation filled in, nothing made */
void lab_make(struct lab *lab); /* euicc_manufacture, euicc_open, reset */
struct lab *lab_new(bool with_profile);
struct lab *lab_new_with(const char *bootstrap); /* another package of the shared material; NULL: no profile */
void lab_free(struct lab *lab);
void lab_power_cycle(struct lab *lab); /* close, open, boot */
struct card *lab_card(struct lab *lab);
uint8_t lab_phase(struct lab *lab); /* of the switch */
/* The card as it was when the image was taken, powered and booted; counter: sent_counter of then. */
void lab_restore(struct lab *lab, const uint8_t *image, uint64_t counter);
void lab_expect_one_enabled(struct lab *lab); /* and one fall-back attribute */
void lab_random(struct lab *lab, struct span octets); /* next thing the card draws */
void lab_wait(struct lab *lab, uint64_t seconds);     /* time passes, the terminal polls */
struct span lab_profile(const char *name);            /* a package of the shared material */

/* The HTTPS end for another terminal than ours: a connection, octets of the card (false: the line breaks), what waits
 * for it is out[0 … out_len). */
void server_accept(struct lab_server *s);
void server_close(struct lab_server *s);
bool server_feed(struct lab_server *s, struct span in);

/* ---- terminal ---- */
uint16_t terminal_apdu(struct lab *lab, struct span capdu,
                       struct writer *ret); /* 61xx, 6Cxx done; 91xx noted as 9000 */
void terminal_boot(struct lab *lab);
void terminal_run(struct lab *lab); /* FETCH and answer until the card is quiet */
void lab_datagram(struct lab *lab, struct span datagram); /* for the card; terminal_run delivers it */
void terminal_location(struct lab *lab, uint8_t status);
/* user data of one SMS-DELIVER to the card; a delivery report's user data is appended to report (may be NULL) */
uint16_t terminal_sms(struct lab *lab, struct span ud, struct writer *report);

/* ---- SM-SR ---- */
/* Sends data as an SCP80 packet (SPI 1639, KVN 01) to the TAR and gives the data of the PoR, from SMS-SUBMITs. Fails
 * the test unless the PoR is authentic with status 00. */
struct span smsr_script(struct lab *lab, uint32_t tar, struct span script);
/* The same with any header; *ret_status 0xFF: no PoR came. */
struct span smsr_packet(struct lab *lab, const struct scp80_header *h, struct span data, uint8_t *ret_status);
/* One C-APDU to the ISD-R in an AA script; its R-APDU. */
struct span smsr_capdu(struct lab *lab, struct span capdu);
uint16_t smsr_sw(struct lab *lab, struct span capdu);
/* The latest notification the card sent by SMS: E1, deciphered and verified; empty: none since the last call. */
struct span smsr_notification(struct lab *lab);
uint16_t smsr_confirm(struct lab *lab, uint16_t sequence);
/* The same parsed: there must be one. */
struct es5_notification smsr_notified(struct lab *lab);
/* The notification is of that type and ISD-P, is confirmed, and ends the switch. */
void smsr_settles(struct lab *lab, uint8_t type, uint32_t tar);

/* ---- ES8 in process ---- */
/* CreateISDP, keys into the registry (as a key establishment would), download over SCP03t into ISD-P `tar`. */
void lab_install(struct lab *lab, uint32_t tar, struct span package);
struct isdp *lab_isdp(struct lab *lab, uint32_t tar);
uint8_t lab_state(struct lab *lab, uint32_t tar); /* 0: gone */

#endif
