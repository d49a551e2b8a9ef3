/* lib/wire/gsup.h: GSUP, the protocol between a serving network (VLR, SGSN, MME; here the device) and an HLR/AuC, and
 * its IPA framing with the CCM identity handshake. Pure; speaks with osmo-hlr on either side. */
#ifndef OSPREY_WIRE_GSUP_H
#define OSPREY_WIRE_GSUP_H

#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

#define IPA_FRAME_MAX 2048u
#define GSUP_VECTORS_MAX 5u
#define GSUP_IMSI_MAX 16u /* with NUL */

enum gsup_type {
    GSUP_UPDATE_LOCATION_REQUEST = 0x04,
    GSUP_UPDATE_LOCATION_ERROR = 0x05,
    GSUP_UPDATE_LOCATION_RESULT = 0x06,
    GSUP_AUTH_INFO_REQUEST = 0x08,
    GSUP_AUTH_INFO_ERROR = 0x09,
    GSUP_AUTH_INFO_RESULT = 0x0A,
    GSUP_PURGE_REQUEST = 0x0C,
    GSUP_PURGE_ERROR = 0x0D,
    GSUP_PURGE_RESULT = 0x0E,
    GSUP_INSERT_DATA_REQUEST = 0x10,
    GSUP_INSERT_DATA_ERROR = 0x11,
    GSUP_INSERT_DATA_RESULT = 0x12,
    GSUP_DELETE_DATA_REQUEST = 0x14,
    GSUP_DELETE_DATA_ERROR = 0x15,
    GSUP_DELETE_DATA_RESULT = 0x16,
    GSUP_CANCEL_REQUEST = 0x1C,
    GSUP_CANCEL_ERROR = 0x1D,
    GSUP_CANCEL_RESULT = 0x1E,
};
/* Causes are those of TS 24.008: */
#define GSUP_CAUSE_IMSI_UNKNOWN 2
#define GSUP_CAUSE_ILLEGAL_MS 3
#define GSUP_CAUSE_PLMN_NOT_ALLOWED 11
#define GSUP_CAUSE_ROAMING_NOT_ALLOWED 13
#define GSUP_CAUSE_NETWORK_FAILURE 17
#define GSUP_CAUSE_PROTOCOL_ERROR 111

#define GSUP_DOMAIN_PS 1
#define GSUP_DOMAIN_CS 2

struct gsup_vector {
    uint8_t rand[16];
    bool has_2g, has_3g;
    uint8_t sres[4], kc[8];
    uint8_t ik[16], ck[16], autn[16], res[16];
    uint8_t res_len; /* 4…16 */
};

struct gsup_message {
    enum gsup_type type;
    char imsi[GSUP_IMSI_MAX];
    bool has_cause;
    uint8_t cause;
    uint8_t domain; /* 0: not said */
    struct gsup_vector vectors[GSUP_VECTORS_MAX];
    size_t vector_count;
    bool resync;                  /* rand and auts are there */
    uint8_t rand[16], auts[14];
    char msisdn[GSUP_IMSI_MAX];   /* "" absent; digits */
    uint8_t cancel_type;          /* of a cancel request; 0 update, 1 withdrawn */
    bool has_cancel_type;
};
/* Unknown elements are skipped. ERR_MISSING without IMSI. Secrets inside: wipe after use. */
MUST_USE enum err gsup_read(struct span body, struct gsup_message *ret);
void wr_gsup(struct writer *w, const struct gsup_message *m);
const char *gsup_type_name(enum gsup_type type);
/* For people: "IMSI unknown in HLR". */
const char *gsup_cause_text(uint8_t cause);

/* IPA: length(2) stream(1) payload; GSUP is stream EE with extension 05; CCM is stream FE. */
#define IPA_STREAM_CCM 0xFE
#define IPA_STREAM_OSMO 0xEE
#define IPA_EXTENSION_GSUP 0x05
struct ipa_frame {
    uint8_t stream, extension; /* extension only with IPA_STREAM_OSMO */
    struct span payload;
    size_t size;               /* octets of the whole frame; 0: not all there yet */
};
MUST_USE enum err ipa_read(struct span in, struct ipa_frame *ret);
void wr_ipa_gsup(struct writer *w, const struct gsup_message *m);

/* One end of a GSUP connection: does the CCM handshake and answers pings, hands over messages. */
struct gsup_link {
    bool server;
    char name[32];      /* the unit name we give (client) or were given (server) */
    bool ready;         /* the handshake is done (client: identity sent and acknowledged or asked for nothing) */
    void (*send)(void *context, struct span bytes);
    void (*on_ready)(void *context);
    void (*on_message)(void *context, const struct gsup_message *m);
    void *context;
};
/* A server asks for the identity; a client waits to be asked. */
void gsup_link_start(struct gsup_link *link);
/* Takes whole frames; returns the octets taken, ret_err ERR_… when the peer does not speak IPA (close it). */
size_t gsup_link_input(struct gsup_link *link, struct span in, enum err *ret_err);
MUST_USE enum err gsup_link_send(struct gsup_link *link, const struct gsup_message *m);

#endif
