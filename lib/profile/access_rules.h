/* lib/profile/access_rules.h: the rules of EF.ARR that the templates refer to; record n is rule n. */
#ifndef OSPREY_PROFILE_ACCESS_RULES_H
#define OSPREY_PROFILE_ACCESS_RULES_H

#include "lib/codec/writer.h"

#define ACCESS_RULES_COUNT 14u
#define ACCESS_RULE_LEN    33u /* octets of the longest */

extern const char access_rules_text[]; /* hexadecimal, " | " between records */
/* ACCESS_RULES_COUNT records of ACCESS_RULE_LEN octets, filled with FF. */
void wr_access_rules(struct writer *w);

#endif
