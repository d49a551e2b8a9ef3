/* lib/es/wsa.h: the WS-Addressing header of a message and what SGP.02 puts into it (annex B; fact book 5.4): entities
 * and identifiers as query parameters of URIs. Spans point into the message or the arena. */
#ifndef OSPREY_ES_WSA_H
#define OSPREY_ES_WSA_H

#include "lib/codec/writer.h"
#include "lib/model/oid.h"

#define WSA_URI_MAX        1024u
#define WSA_MESSAGE_ID_MAX 512u
#define WSA_ANONYMOUS      "http://www.w3.org/2005/08/addressing/anonymous"
#define WSA_POLLED         "http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id=" /* and an identifier: wsmc.h */

struct wsa_endpoint {
    struct span address;     /* the URI without query parameters (WSA_POLLED keeps its id); empty: none */
    struct oid entity_id;    /* EntityId; empty: none */
    struct span entity_name; /* EntityName, percent-codes resolved */
    struct span user_name;   /* UserName */
};

struct wsa_message_id {
    struct span raw;            /* the whole MessageID as it is on the wire: what RelatesTo repeats and repeats are
                                   recognised by */
    struct span transaction_id; /* TransactionId */
    struct span context_id;     /* ContextId */
    uint64_t date_ms;           /* MessageDate; 0: none */
};

struct wsa_header {
    struct wsa_endpoint from, to;
    struct wsa_endpoint reply_to; /* address empty: none */
    struct wsa_message_id message_id;
    struct span action;     /* empty when encoding: made from function and kind */
    struct span relates_to; /* raw; empty: none */
};

/* Takes a URI apart. Parameters may be joined by '?' and '&', with blanks around; values are percent-decoded; unknown
 * parameters are dropped. ERR_BAD_VALUE (percent-code, EntityId), ERR_TOO_LONG, ERR_NO_SPACE. */
MUST_USE enum err wsa_endpoint_decode(struct span uri, struct arena *a, struct wsa_endpoint *ret);
/* Appends the URI; separator is '?' (v4) or '&' (v3) and joins all parameters after the first. */
void wsa_endpoint_encode(struct writer *w, const struct wsa_endpoint *e, char separator);

MUST_USE enum err wsa_message_id_decode(struct span text, struct arena *a, struct wsa_message_id *ret);
/* Makes "//<sender>/<unique>?TransactionId=…?ContextId=…?MessageDate=…" (empty ones left out) in the arena.
 * unique: at least 16 random octets as text, drawn by the caller and stored with the message. ERR_NO_SPACE. */
MUST_USE enum err wsa_message_id_make(struct arena *a, const struct oid *sender, struct span unique,
                                      struct span transaction_id, struct span context_id, uint64_t now_ms,
                                      char separator, struct wsa_message_id *ret);
/* "scheme://host[:port]" of a URI, for allow-lists; empty when it has none. */
struct span wsa_origin(struct span uri);

#endif
