/* euicc/isdp/install.h: the profile interpreter: takes the plain octets of the SCP03t stream for one ISD-P and installs
 * element by element. eUICC profile package: interoperable format; SGP.02 §4.1.3.3.
 * Everything is built in memory that belongs to the installation and reaches the card's memory in one transaction when
 * the End element is processed: a fault, a reset or giving up leaves the card as it was, and costs no wear.
 * Its memory is the one exception to the rule that a card allocates nothing beyond its arena: it exists only while a
 * package is under way. */
#ifndef OSPREY_EUICC_ISDP_INSTALL_H
#define OSPREY_EUICC_ISDP_INSTALL_H

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/codec/writer.h"

#define INSTALL_RAM_MAX      (1024u * 1024u) /* octets one installation may hold */
#define INSTALL_RESPONSE_MAX 1024u           /* octets of an EUICCResponse */

struct card;
struct isdp;
struct installation;

enum install_result {
    INSTALL_MORE,  /* the segment is taken: answer 86 00 */
    INSTALL_DONE,  /* the profile is installed and DISABLED: answer with the response */
    INSTALL_FAILED /* nothing is installed, the ISD-P stays PERSONALIZED: answer with the response */
};

/* Starts with an empty stream. NULL when the machine has no memory. The ISD-P must be PERSONALIZED, without a profile;
 * else install_feed fails. The installation remembers the ISD-P by its slot. */
struct installation *install_new(struct card *card, const struct isdp *isdp);
/* Gives everything back and wipes it; NULL is fine. Not done or failed: the profile is as if nothing had been sent. */
void install_free(struct installation *in);

/* Takes one plain segment. response gets an EUICCResponse when the result is not INSTALL_MORE (INSTALL_RESPONSE_MAX
 * octets of room). After DONE or FAILED every further call gives FAILED with the same response. Opens and closes its
 * own transaction, or joins the one that is open (the factory). */
enum install_result install_feed(struct installation *in, struct span segment, struct writer *response);

#endif
