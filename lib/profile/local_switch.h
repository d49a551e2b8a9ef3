/* lib/profile/local_switch.h: rules by which the card leaves a profile without any server: the content of a
 * PE-NonStandard of our own (issuer 2.999.21), in force while the profile that carries it is enabled. Cards that do not
 * know it leave the element out.
 *
 *   80 01 flags          01: the device may order it (LOCAL_SWITCH_DEVICE)
 *   81 04 seconds        without service, then the next profile; 0 or absent: never
 *   82 04 seconds        since power-up, then the next profile; 0 or absent: never
 *   83 0A ICCID          as in the profile header; one for each profile it may go to, in order; none: every other one
 */
#ifndef OSPREY_PROFILE_LOCAL_SWITCH_H
#define OSPREY_PROFILE_LOCAL_SWITCH_H

#include "lib/codec/ber_tlv.h"

#define LOCAL_SWITCH_MAX         8u
#define LOCAL_SWITCH_ICCID_LEN   10u
#define LOCAL_SWITCH_CONTENT_MAX 128u
#define LOCAL_SWITCH_SECONDS_MAX (30u * 86400u)
#define LOCAL_SWITCH_DEVICE      0x01u
extern const struct span local_switch_issuer;

struct local_switch {
    bool by_device;
    uint32_t no_service_s, after_s; /* 0: never */
    uint8_t count;                  /* 0: any other profile */
    uint8_t to[LOCAL_SWITCH_MAX][LOCAL_SWITCH_ICCID_LEN];
};

void local_switch_write(struct writer *w, const struct local_switch *s);
/* ERR_MISSING (rules that never act), ERR_BAD_LENGTH, ERR_BAD_VALUE, ERR_BAD_TAG, ERR_TOO_LONG. */
MUST_USE enum err local_switch_parse(struct span content, struct local_switch *ret);

#endif
