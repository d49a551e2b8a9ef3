/* lib/profile/iot.h: IoT minimal profiles (header with iotOptions, PE-IoT instead of PE-MF and PE-USIM): what the
 * element leaves out. */
#ifndef OSPREY_PROFILE_IOT_H
#define OSPREY_PROFILE_IOT_H

#include "template.h"

#define IOT_ICCID_LEN 10u
#define IOT_PIN1      "0000" /* disabled, when the profile says nothing of PINs */

struct iot_profile {
    struct span iccid; /* of the header, in reading order */
    struct span pix;   /* of iotOptions: the USIM's AID behind its RID */
};

/* The element with all its members: those that it does not name have the template's content, or what follows from the
 * header (EF.ICCID, EF.DIR, the USIM's AID), or the standard access rules. Spans into pe, into p and the arena.
 * ERR_NO_SPACE; ERR_BAD_LENGTH (an AID that cannot be). */
MUST_USE enum err iot_complete(struct arena *a, const struct pe_filesystem *pe, const struct iot_profile *p,
                               struct pe_filesystem *ret);

#endif
