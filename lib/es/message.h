/* lib/es/message.h: one message of ES1 … ES7 as a value: header, function, typed body; and the way between it and
 * SOAP octets. SGP.02 §5.1, annexes A and B. Bodies: es_bodies.h (shapes that interfaces share), es1.h … es7.h.
 *
 *     struct es_message m;
 *     struct es_fault fault;
 *     if (es_decode(http_body, arena, &m, &fault) != ERR_NONE)
 *         … es_answer_fault(&m, &fault, …) says what to send back …
 *     switch (m.function) {
 *     case ES4_ENABLE_PROFILE: enable(m.body); …       // const struct es_profile_request *
 */
#ifndef OSPREY_ES_MESSAGE_H
#define OSPREY_ES_MESSAGE_H

#include "bodies.h"
#include "es1.h"
#include "es2.h"
#include "es3.h"
#include "es4.h"
#include "es7.h"
#include "functions.h"
#include "lib/model/codes.h"
#include "soap.h"
#include "wsa.h"

/* How a partner likes its messages. Zero is what most want: /3 and '?'. */
enum es_namespace { ES_NS_3, ES_NS_1, ES_NS_4, ES_NAMESPACE_COUNT };
struct es_dialect {
    enum es_namespace ns;
    bool ampersand; /* '&' joins query parameters instead of '?' (v3 partners) */
    bool v4;        /* send elements that the v3 schema does not have */
    const struct codes *codes; /* its own numbers for statuses; NULL: ours */
};

/* What a signature may cover (wsse.h): the Body, and the headers that are acted on. */
enum es_part {
    ES_PART_BODY,
    ES_PART_FROM,
    ES_PART_TO,
    ES_PART_REPLY_TO,
    ES_PART_MESSAGE_ID,
    ES_PART_ACTION,
    ES_PART_RELATES_TO,
    ES_PART_COUNT
};

struct wsse_token;
struct es_message {
    struct wsa_header wsa;
    const struct wsse_token *security; /* decoded: the header Security (wsse.h); NULL: none. Who takes it must check it */
    bool other_security;               /* decoded: there is a header Security of another namespace too */
    unsigned parts;                    /* decoded: bit i: the part is there, once */
    struct span part_ids[ES_PART_COUNT]; /* decoded: wsu:Id of each; empty: none */
    struct es_dialect dialect; /* decoded: ns and ampersand as the partner wrote them */
    enum es_function function; /* ES_FUNCTION_NONE for ES_SOAP_FAULT */
    enum es_kind kind;
    /* The struct that functions.def names for function and kind; starts with struct es_request for a request, struct
     * es_response for a response; struct soap_fault for ES_SOAP_FAULT. In the arena when decoded. */
    const void *body;
};

/* Why a message was not taken. */
enum es_fault_kind {
    ES_FAULT_NONE,
    ES_FAULT_TOO_BIG,   /* over SOAP_MESSAGE_MAX or a ceiling of the reader: HTTP 413 */
    ES_FAULT_MALFORMED, /* not XML as we take it, or no SOAP envelope */
    ES_FAULT_DOCTYPE,
    ES_FAULT_SOAP_VERSION,    /* SOAP 1.1 */
    ES_FAULT_MUST_UNDERSTAND, /* a header we do not know that must be understood */
    ES_FAULT_HEADER_MISSING,  /* From with EntityId, To, MessageID or Action */
    ES_FAULT_HEADER_INVALID,
    ES_FAULT_UNKNOWN_BODY, /* no function of that name here */
    ES_FAULT_INVALID_BODY, /* the function is known: a response with FAILED and `status` (1.3.1/2.x, 8.1.1/2.1) */
    ES_FAULT_NO_MEMORY,    /* our arena is full: HTTP 500 */
    ES_FAULT_SECURITY_INVALID, /* WS-Security: what is agreed is not there */
    ES_FAULT_SECURITY_FAILED,  /* WS-Security: password or signature wrong */
    ES_FAULT_SECURITY_EXPIRED, /* WS-Security: too old, or a replay */
    ES_FAULT_BUSY              /* more than the partner may send: HTTP 503 */
};
struct es_fault {
    enum es_fault_kind kind;
    struct status status; /* for ES_FAULT_INVALID_BODY */
    char text[160];       /* what is wrong, for people; names the element concerned, never a value */
};

/* Octets to message. Everything in ret borrows from soap and the arena. Returns ERR_NONE, or the reason as enum err
 * with *ret_fault filled in; ret then holds what had been read before the fault (header, function, call identifier):
 * enough to answer.
 *   A body in a response or notification may be partial; one in a request must be whole. Order of children and spelling
 *   of names are tolerated (fact book 5.2, 5.6); a child twice or missing is not. */
MUST_USE enum err es_decode(struct span soap, struct arena *a, struct es_message *ret, struct es_fault *ret_fault);

/* Message to octets, in the arena. Elements come in schema order. m->wsa.action may be empty. ERR_MISSING (a mandatory
 * value is empty: ours), ERR_BAD_VALUE, ERR_TOO_LONG (SOAP_MESSAGE_MAX), ERR_NO_SPACE. */
MUST_USE enum err es_encode(const struct es_message *m, struct arena *a, struct span *ret);

/* Fills in the header of an answer to request: from and to exchanged (to is ReplyTo's address if callback and given),
 * RelatesTo, dialect, function; kind is ES_RESPONSE. The caller adds message_id and body. */
void es_answer(const struct es_message *request, struct es_message *ret);
/* What goes back for a message that es_decode refused: a fault (with its HTTP status), or for ES_FAULT_INVALID_BODY a
 * response with FAILED. `self` is the answering entity; *ret and its body are in the arena. A notification that is
 * invalid gets a fault. */
MUST_USE enum err es_answer_fault(const struct es_message *request, const struct es_fault *fault, struct arena *a,
                                  struct es_message *ret, int *ret_http_status);

/* The body's EID, when it has one (also inside an Eis). */
bool es_message_eid(const struct es_message *m, struct eid *ret);
static inline const struct es_request *es_request_of(const struct es_message *m)
{
    return m->kind == ES_REQUEST ? m->body : NULL;
}
static inline const struct es_response *es_response_of(const struct es_message *m)
{
    return m->kind == ES_RESPONSE ? m->body : NULL;
}
/* The status of a decoded response, in our numbers; codes: of the partner that it came from, or NULL. */
void es_codes_take(struct es_message *m, const struct codes *codes);
/* Octets the body struct of that function and kind takes. */
size_t es_body_size(enum es_function function, enum es_kind kind);
/* A response body (zeroed, of the right struct) with that status, for functions whose answer says no more. */
struct es_response *es_response_new(struct arena *a, enum es_function function, const struct status *status,
                                    uint64_t start_ms, uint64_t end_ms);

/* An EIS alone, as an element Eis of esim-messaging/3: for files and for the database. */
MUST_USE enum err eis_encode(const struct eis *eis, struct arena *a, struct span *ret);
MUST_USE enum err eis_decode(struct span xml, struct arena *a, struct eis *ret, struct es_fault *ret_fault);
/* The element EumSignedInfo made from the typed fields, in canonical form (exclusive C14N): what an EUM signs. */
MUST_USE enum err eum_signed_info_encode(const struct eis *eis, struct arena *a, struct span *ret);
/* The other way: sets the typed fields of *ret, and nothing else. ERR_BAD_VALUE and others: it is no EumSignedInfo. */
MUST_USE enum err eum_signed_info_decode(struct span xml, struct arena *a, struct eis *ret);

#endif
