/* lib/wire/smpp.h: SMPP 3.4: the PDUs, and a session for either side (ESME or SMSC): window, sequence numbers, timers.
 * Pure: bytes in, bytes and events out, time as an argument.
 *
 * PDUs are packed with our own reader and writer, not libsmpp34: that one keeps its error in global variables and
 * allocates an entry of a kilobyte for every optional parameter, which the caller frees by hand. It serves the tests as
 * an independent peer. */
#ifndef OSPREY_WIRE_SMPP_H
#define OSPREY_WIRE_SMPP_H

#include "lib/codec/reader.h"
#include "lib/codec/writer.h"

#define SMPP_PDU_MAX 4096u
#define SMPP_ADDRESS_MAX 21u /* with NUL */
#define SMPP_SYSTEM_ID_MAX 16u
#define SMPP_PASSWORD_MAX 9u
#define SMPP_MESSAGE_ID_MAX 65u
#define SMPP_MESSAGE_MAX 254u

enum smpp_command {
    SMPP_GENERIC_NACK = 0,
    SMPP_BIND_RECEIVER = 1,
    SMPP_BIND_TRANSMITTER = 2,
    SMPP_SUBMIT_SM = 4,
    SMPP_DELIVER_SM = 5,
    SMPP_UNBIND = 6,
    SMPP_BIND_TRANSCEIVER = 9,
    SMPP_ENQUIRE_LINK = 0x15,
    SMPP_ALERT_NOTIFICATION = 0x102,
};
#define SMPP_RESPONSE 0x80000000u /* or'ed into the command of an answer */

enum smpp_status {
    SMPP_OK = 0,
    SMPP_INVALID_LENGTH = 0x02,      /* ESME_RINVCMDLEN */
    SMPP_INVALID_COMMAND = 0x03,     /* ESME_RINVCMDID */
    SMPP_WRONG_BIND_STATE = 0x04,    /* ESME_RINVBNDSTS */
    SMPP_ALREADY_BOUND = 0x05,       /* ESME_RALYBND */
    SMPP_SYSTEM_ERROR = 0x08,        /* ESME_RSYSERR */
    SMPP_INVALID_SOURCE = 0x0A,      /* ESME_RINVSRCADR */
    SMPP_INVALID_DESTINATION = 0x0B, /* ESME_RINVDSTADR */
    SMPP_BIND_FAILED = 0x0D,         /* ESME_RBINDFAIL */
    SMPP_INVALID_PASSWORD = 0x0E,    /* ESME_RINVPASWD */
    SMPP_QUEUE_FULL = 0x14,          /* ESME_RMSGQFUL */
    SMPP_THROTTLED = 0x58,           /* ESME_RTHROTTLED */
    SMPP_TEMPORARY_ERROR = 0x64,     /* ESME_RX_T_APPN: deliver it again later */
    SMPP_PERMANENT_ERROR = 0x65,     /* ESME_RX_P_APPN */
    SMPP_UNKNOWN_ERROR = 0xFF,
};
#define SMPP_ESM_UDHI 0x40
#define SMPP_ESM_RECEIPT 0x04

struct smpp_address {
    uint8_t ton, npi; /* 1/1 international ISDN, 0/0 unknown, 3/1 national or short number */
    char text[SMPP_ADDRESS_MAX];
};

struct smpp_bind {
    char system_id[SMPP_SYSTEM_ID_MAX], password[SMPP_PASSWORD_MAX], system_type[13];
    uint8_t version; /* 0x34 */
    struct smpp_address range;
};

/* submit_sm and deliver_sm. The message is short_message, or message_payload when that is empty. */
struct smpp_sm {
    struct smpp_address from, to;
    uint8_t esm_class, pid, priority, registered_delivery, dcs;
    char validity[17];     /* "" or "000000000500000R" */
    struct span message;   /* octets as they are, UDH included; borrowed */
};

struct smpp_pdu {
    uint32_t command, status, sequence;
    struct smpp_bind bind;                   /* bind_* */
    char system_id[SMPP_SYSTEM_ID_MAX];      /* bind_*_resp */
    struct smpp_sm sm;                       /* submit_sm, deliver_sm */
    char message_id[SMPP_MESSAGE_ID_MAX];    /* submit_sm_resp */
    struct smpp_address source, esme;        /* alert_notification */
};

/* Length of the PDU that begins here: 0 while fewer than 4 octets are there; ERR_BAD_LENGTH under 16, ERR_TOO_LONG over
 * SMPP_PDU_MAX. */
MUST_USE enum err smpp_frame(struct span in, size_t *ret_len);
/* Exactly one PDU. ERR_UNSUPPORTED: a command this codec does not know (header fields are set nevertheless). */
MUST_USE enum err smpp_read(struct span pdu, struct smpp_pdu *ret);
void wr_smpp(struct writer *w, const struct smpp_pdu *pdu);
/* "submit_sm", "deliver_sm_resp" …, for logs; never NULL. */
const char *smpp_command_name(uint32_t command);
/* The validity period in seconds from a relative or absolute time text; fallback_s when empty or not such a text. */
uint64_t smpp_validity_s(const char *text, uint64_t now_ms, uint64_t fallback_s);
/* "000000001500000R": relative, at most 99 days. */
void smpp_validity_text(uint64_t seconds, char out[17]);

/* ---- session ---- */
#define SMPP_WINDOW_MAX 64u

struct smpp_session;
struct smpp_events {
    /* Bytes for the wire. */
    void (*send)(void *context, struct span bytes);
    /* ESME: the SMSC answered our bind (status SMPP_OK or the refusal; the session closes after one).
     * SMSC: an ESME asks to be bound: return the status to answer with. */
    uint32_t (*on_bind)(void *context, const struct smpp_pdu *pdu);
    /* submit_sm (SMSC) or deliver_sm (ESME). Answer now or later with smpp_session_answer(sequence). */
    void (*on_message)(void *context, uint32_t sequence, const struct smpp_sm *sm);
    /* The answer to smpp_session_send: status SMPP_OK and a message id, a refusal, or SMPP_UNKNOWN_ERROR when no answer
     * came before the time-out or the end of the session (the peer may or may not have it). */
    void (*on_answer)(void *context, uint64_t tag, uint32_t status, const char *message_id);
    void (*on_alert)(void *context, const struct smpp_address *source); /* may be NULL */
    /* The session is over: close the connection. Called once, from inside another call. */
    void (*on_end)(void *context, const char *why);
};

struct smpp_options {
    bool smsc;                    /* which side we are */
    uint32_t bind_command;        /* ESME: SMPP_BIND_TRANSCEIVER … */
    struct smpp_bind bind;        /* ESME */
    char system_id[SMPP_SYSTEM_ID_MAX]; /* SMSC: said in bind responses */
    uint32_t window;              /* unanswered requests at a time, 1…SMPP_WINDOW_MAX; 0: 10 */
    uint32_t answer_timeout_ms;   /* 0: 30,000 */
    uint32_t enquire_ms;          /* silence before an enquire_link; 0: 30,000 */
};

struct smpp_session {
    struct smpp_options options;
    const struct smpp_events *events;
    void *context;
    enum { SMPP_S_OPEN, SMPP_S_BINDING, SMPP_S_BOUND, SMPP_S_UNBINDING, SMPP_S_ENDED } state;
    bool may_send, may_receive;   /* as seen from the ESME: transmitter, receiver */
    uint32_t sequence;
    uint64_t heard_ms, asked_ms;  /* asked: enquire_link or bind waiting for an answer, 0 none */
    uint32_t asked_sequence;
    struct {
        uint32_t sequence;        /* 0 free */
        uint64_t tag, since_ms;
    } window[SMPP_WINDOW_MAX];
    uint32_t in_flight;
};

/* The connection stands: an ESME sends its bind now, an SMSC waits for one. */
void smpp_session_start(struct smpp_session *s, const struct smpp_options *options, const struct smpp_events *events,
                        void *context, uint64_t now_ms);
/* Takes whole PDUs; returns the octets taken (fits tcp_handler.on_bytes). */
size_t smpp_session_input(struct smpp_session *s, uint64_t now_ms, struct span in);
/* submit_sm (ESME) or deliver_sm (SMSC). ERR_BUSY window full, ERR_STATE not bound for that, ERR_TOO_LONG. */
MUST_USE enum err smpp_session_send(struct smpp_session *s, uint64_t now_ms, const struct smpp_sm *sm, uint64_t tag);
void smpp_session_answer(struct smpp_session *s, uint32_t sequence, uint32_t status, const char *message_id);
/* SMSC: a phone is back. */
void smpp_session_alert(struct smpp_session *s, const struct smpp_address *source, const struct smpp_address *esme);
void smpp_session_unbind(struct smpp_session *s, uint64_t now_ms);
/* Time-outs and link checks; call at smpp_session_due. */
void smpp_session_tick(struct smpp_session *s, uint64_t now_ms);
uint64_t smpp_session_due(const struct smpp_session *s);
/* The connection is lost: what is unanswered ends with SMPP_UNKNOWN_ERROR. on_end is not called. */
void smpp_session_lost(struct smpp_session *s);

#endif
