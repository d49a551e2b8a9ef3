/* conform/bed.h: the test bed around one card: a terminal that does what a case wants of it and records what the card
 * asks for, an SM-SR's ends for SCP80 and for administration sessions (HTTPS), an SM-DP's end for key establishment.
 * The card is reached through its target only, by APDUs.
 *
 * A case reads like its line in the fact book: it says commands in hex, and what must come back. What is not as it
 * must be ends the case (fail, skip: no return). Commands are printf formats of hex; blanks do not count. */
#ifndef OSPREY_CONFORM_BED_H
#define OSPREY_CONFORM_BED_H

#include <setjmp.h>
#include <stdio.h>

#include "lib/base/arena.h"
#include "lib/crypto/tls.h"
#include "lib/gp/ram_script.h"
#include "lib/model/aid.h"
#include "lib/ota/es5.h"
#include "lib/scp/scp03.h"
#include "lib/scp/scp80.h"
#include "lib/wire/http1.h"
#include "lib/wire/sms.h"
#include "target.h"
#include "verdict.h"

#define BED_ARENA_MAX  (64u * 1024u * 1024u)
#define BED_SMS_MAX    32u
#define BED_MADE_MAX   24u
#define BED_DRAWN_MAX  16u
#define BED_BODY_MAX   9000u
#define BED_SERVER_OUT (200u * 1024u)

/* ---- parts ---- */

struct bed_sms { /* SMS-SUBMIT of the card */
    uint8_t len, ud[SMS_UD_MAX];
    char to[SMS_DIGITS_MAX + 1];
    uint8_t centre_len, centre[12];
};

struct bed_terminal {
    unsigned pending;                                /* octets of the proactive command that waits; 0: none */
    uint8_t sms_result, open_result, refresh_result; /* general results to give; 0: done */
    bool serviced;                                   /* network service */
    bool ignores_refresh;                            /* answers it and does not reset */
    bool udp;                                        /* takes OPEN CHANNEL over UDP */
    size_t resets, refreshes, opens, submits;
    uint16_t envelope_sw; /* of the last short message */
    struct bed_sms sms[BED_SMS_MAX];
    size_t sms_count;
    uint8_t open_command[260];
    size_t open_len;
    bool channel, told, is_udp;
    uint8_t udp_in[8][300]; /* datagrams of the card */
    size_t udp_in_len[8], udp_in_count;
    uint8_t last_rsp[260];
};

struct bed_request {
    char uri[600], status[40];
    bool has_body;
    size_t len;
    uint8_t body[BED_BODY_MAX];
};

struct bed_server {
    uint8_t psk[16];
    char identity[TLS_IDENTITY_MAX + 1];
    struct tls_ctx *ctx;
    struct tls *tls;
    struct http1_reader http;
    uint8_t head[HTTP1_HEAD_MAX];
    struct bed_request request; /* the last one */
    size_t request_count, answered, connections;
    uint8_t out[BED_SERVER_OUT];
    size_t out_len;
    bool failed; /* a handshake did */
};

struct bed_key { /* the SCP80 keys in use */
    uint8_t kvn, kic[16], kid[16];
    uint64_t counter;
};

struct bed {
    struct target *target;
    struct card_keys *keys;
    struct arena arena; /* of the running case */
    jmp_buf leave;
    enum case_verdict verdict;
    char detail[BED_DETAIL_MAX];
    struct bed_terminal terminal;
    struct bed_server server;
    struct bed_key key, mno;       /* of the ISD-R, of the runner's profile */
    struct ec_key *dp, *sr;        /* SK.DP.ECDSA, SK.SR.ECDSA, drawn for this run */
    uint8_t reference;             /* of concatenated messages */
    struct aid made[BED_MADE_MAX]; /* ISD-Ps of this case */
    size_t made_count;
    struct ec_key *drawn[BED_DRAWN_MAX]; /* ephemeral keys of this case */
    size_t drawn_count;
    uint32_t next_tar;
    unsigned patience_s; /* a case that would wait longer in real time is skipped */
    struct {             /* a card whose ECASD has a brainpool key, for the case about it; NULL: none */
        struct target *target;
        struct card_keys *keys;
    } second;
    bool touched_addresses, touched_keys, touched_fallback;
    /* as the card was found */
    struct aid enabled, fallback, emergency; /* len 0: none */
    bool first_attach_seen, has_profile;
    uint32_t isdp_count;
};

/* ---- verdicts: none of these returns when the case is over ---- */
void bed_end(struct bed *b, enum case_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));
#define fail(b, ...) bed_end((b), VERDICT_FAIL, __VA_ARGS__)
#define skip(b, ...) bed_end((b), VERDICT_SKIP, __VA_ARGS__)
#define need(b, condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail((b), __VA_ARGS__);                                                                                    \
    } while (0)
/* A new key on the ECASD's curve; the bed's, until the case ends. */
struct ec_key *bed_ephemeral(struct bed *b);
void need_ok(struct bed *b, enum err err, const char *what);
void need_sw(struct bed *b, uint16_t got, uint16_t want, const char *what);
/* one of two words */
void need_sw2(struct bed *b, uint16_t got, uint16_t want, uint16_t other, const char *what);
void need_span(struct bed *b, struct span got, struct span want, const char *what);
/* What the case passes with, for the table. */
void note(struct bed *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- bytes, in the case's arena ---- */
struct span hexf(struct bed *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *hex_of(struct bed *b, struct span s);
struct span kept(struct bed *b, struct span s);
struct writer room(struct bed *b, size_t cap);

/* ---- terminal (terminal.c) ---- */
uint16_t terminal_apdu(struct bed *b, struct span capdu, struct writer *ret); /* 61xx, 6Cxx done; 91xx noted as 9000 */
void terminal_boot(struct bed *b);        /* reset, TERMINAL PROFILE, and what the card then wants */
void terminal_power_cycle(struct bed *b); /* the same with power off and on */
void terminal_run(struct bed *b);         /* FETCH and answer until the card is quiet */
void terminal_location(struct bed *b, bool serviced);
/* One SMS-DELIVER; a delivery report's user data is appended to report (may be NULL). */
uint16_t terminal_sms(struct bed *b, struct span ud, struct writer *report);
void terminal_event(struct bed *b, struct span d6);
/* Time passes, the terminal polls; skips the case when it would take too long in real time. */
void bed_wait(struct bed *b, uint64_t seconds); /* of the card's time */
/* Until the card was reset once more; fails after max_s. */
void bed_wait_reset(struct bed *b, size_t resets, uint64_t max_s);

/* ---- SCP80 (scp80.c) ---- */
#define NO_POR 0xFF
struct scp80_header packet_header(struct bed *b, struct bed_key *key, uint32_t tar); /* 16 39, counter one up */
/* Sends the packet of these header and data; data of the PoR. *ret_status NO_POR: none came. */
struct span packet_send(struct bed *b, const struct bed_key *key, const struct scp80_header *h, struct span data,
                        uint8_t *ret_status);
/* Octets from CPL on, as they are; the raw PoR from RPL on, empty: none. */
struct span packet_raw(struct bed *b, struct span packet);
/* The data of a PoR to a packet of that header. */
struct span por_open(struct bed *b, const struct bed_key *key, const struct scp80_header *h, struct span por,
                     uint8_t *ret_status);
struct span packet_wrapped(struct bed *b, const struct bed_key *key, const struct scp80_header *h, struct span data);
/* A script to a TAR, PoR 00 and its data. */
struct span script_sms(struct bed *b, uint32_t tar, struct span script);
struct span script_of(struct bed *b, enum ram_format format, struct span capdu);
/* One C-APDU to the ISD-R in an AA script: its R-APDU; only the word. */
struct rapdu isdr(struct bed *b, struct span capdu);
uint16_t isdr_sw(struct bed *b, struct span capdu);
/* The n-th R-APDU of a script's answer. */
struct rapdu result_at(struct bed *b, struct span results, size_t n);
size_t result_count(struct bed *b, struct span results);
/* The latest notification by SMS since the last call; empty: none. */
struct span notification_raw(struct bed *b);
struct es5_notification notification(struct bed *b); /* fails without one */
/* The same by SMS or in the open administration session, which is ended then. */
struct span notification_anyhow(struct bed *b);
uint16_t confirm_sw(struct bed *b, uint16_t sequence);
void forget_messages(struct bed *b);

/* ---- HTTPS (https.c) ---- */
void https_open(struct bed *b);                                          /* trigger by SMS … first POST */
void https_trigger(struct bed *b, struct span trigger);                  /* any trigger */
void https_say(struct bed *b, struct span text); /* octets of an answer of the server, as they are */
void https_reply(struct bed *b, const char *target, struct span script); /* … next POST */
struct span https_script(struct bed *b, const struct aid *target, struct span script); /* body of the next POST */
void https_end(struct bed *b);                                                         /* 204 */
void server_accept(struct bed *b);
void server_close(struct bed *b);
void server_feed(struct bed *b, struct span in);

/* ---- key establishment (establish.c): an end of its own, on the crypto library only ---- */
struct certificate_wish {
    uint8_t role, usage; /* C8; 95 */
    bool two_octet_usage, no_authority, wrong_authority, bad_signature, short_signature, expired;
};
struct span certificate_make(struct bed *b, const struct certificate_wish *wish);
struct agreement {
    uint8_t scenario, usage, type, kid, kvn;
    const char *host_id; /* hex; NULL: none */
    enum { POINT_NORMAL, POINT_NAKED, POINT_NAKED_64, POINT_64, POINT_OFF_CURVE } point;
    enum { SIGNATURE_GOOD, SIGNATURE_WRONG, SIGNATURE_63 } signature;
    bool by_sr;
    bool usage_twice; /* 95 stands twice, first with 5C */
    /* results of agreement_finish */
    uint8_t keys[3][16];
    struct span dr;
    /* kept between the steps */
    struct ec_key *ephemeral; /* the bed's */
    struct span crt;
};
#define AGREEMENT_SCP03 .scenario = 0x09, .usage = 0x10, .type = 0x88, .kid = 0x01, .kvn = 0x30
struct span agreement_dgis(struct bed *b, struct agreement *a, struct span rc);
/* Derives, verifies the receipt (fails if it is wrong). answer: data of the R-APDU. */
void agreement_finish(struct bed *b, struct agreement *a, struct span answer);
struct span store_data(struct bed *b, uint8_t p1, uint8_t p2, struct span data);
struct span install_perso(struct bed *b, const struct aid *aid);
struct span rc_of(struct bed *b, struct rapdu r); /* 85 LL RC 9000, else fails */
struct span ecasd_point(struct bed *b);

/* ---- profiles (fixture.c) ---- */
struct aid isdp_make(struct bed *b); /* CreateISDP, deleted at the end */
struct aid isdp_next(struct bed *b); /* an AID that is free */
struct span create_command(struct bed *b, const struct aid *aid, const char *parameters);
struct scp03_keys isdp_keys(struct bed *b, const struct aid *aid); /* key establishment over HTTPS */
struct aid isdp_with_keys(struct bed *b, struct scp03_keys *ret);
/* A profile, DISABLED, on an ISD-P of its own. keys may be NULL. */
struct aid profile_make(struct bed *b, uint8_t pol1, struct scp03_keys *ret_keys);
void profile_enable(struct bed *b, const struct aid *aid); /* enabled, attached, confirmed */
struct aid profile_enabled(struct bed *b, uint8_t pol1);
uint8_t isdp_state(struct bed *b, const struct aid *aid); /* 0: not there */
uint8_t isdp_attributes(struct bed *b, const struct aid *aid);
struct span profile_command(struct bed *b, uint16_t dgi, const struct aid *aid);
struct span delete_command(struct bed *b, const struct aid *aid);
struct es5_memory memory_audit(struct bed *b);
struct span test_package(struct bed *b, uint8_t pol1, size_t ballast);
uint32_t tar_of(const struct aid *aid);
/* An MNO command to the enabled profile's security domain by its SCP80 keys. */
struct span mno_script(struct bed *b, struct span script);
uint16_t mno_pol1(struct bed *b, uint8_t pol1);
/* Finds the card as it is (baseline), and brings it back. */
void bed_baseline(struct bed *b);
void bed_clean(struct bed *b);

/* ---- SCP03t (download.c) ---- */
struct download {
    struct scp03_keys keys;
    struct scp03_session session;
    struct aid aid;
};
struct span tlv_script(struct bed *b, struct span tlvs);              /* AE80 … 0000 */
struct span scp03t_tlv(struct bed *b, struct span results, size_t n); /* the n-th TLV of an AF80 … 0000 */
size_t scp03t_tlv_count(struct bed *b, struct span results);
/* 84 in the open HTTPS session to the ISD-P; session keys on our side; fails on an error answer. */
void download_initialize(struct bed *b, struct download *d);
struct span download_authenticate_tlv(struct bed *b, struct download *d);
struct span download_segment_tlv(struct bed *b, struct download *d, struct span plain);
void download_open(struct bed *b, struct download *d); /* 84 and 85 */
/* All of the package; the EUICCResponse in the clear. */
struct span download_package(struct bed *b, struct download *d, struct span package);
struct span download_response(struct bed *b, struct download *d, struct span results);

/* ---- SCP03 (download.c) ---- */
struct span scp03_update(struct bed *b, struct download *d); /* INITIALIZE UPDATE, over HTTPS; opens our side */
uint16_t scp03_open(struct bed *b, struct download *d);      /* and EXTERNAL AUTHENTICATE */
struct rapdu scp03_command(struct bed *b, struct download *d, struct span plain, bool *ret_mac);
struct rapdu isdp_apdu(struct bed *b, const struct aid *aid, struct span capdu); /* over HTTPS, one script */

/* ---- the cases ---- */
struct case_group {
    const struct case_def *cases;
    size_t count;
};
extern const struct case_group *const case_groups[];
extern const size_t case_group_count;

#define BED_PATIENCE_S 60u
/* The whole bed for a target; keys and target stay the caller's. The second card and another patience than
 * BED_PATIENCE_S are set by the caller. */
MUST_USE enum err bed_new(struct target *target, struct card_keys *keys, struct bed **ret);
void bed_free(struct bed *b);
/* Runs what may end by fail or skip. */
enum case_verdict bed_guard(struct bed *b, void (*run)(struct bed *));

#endif
