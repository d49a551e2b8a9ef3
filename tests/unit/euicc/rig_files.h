/* tests/unit/euicc/rig_files.h: the files of the enabled profile, by their path and with every right. */
#ifndef OSPREY_TESTS_EUICC_RIG_FILES_H
#define OSPREY_TESTS_EUICC_RIG_FILES_H

#include "euicc/uicc/uicc.h"
#include "rig.h"

/* SELECT of "3f00/7f10/6f3a" or "adf:<AID>/6f07" in a channel of its own: the FCP (value of 62), in rsp. */
struct span rig_select_path(struct rig *r, struct channel *ch, const char *path, struct writer *rsp);
/* The first size octets with READ BINARY or READ RECORD; false: nobody may read it. */
bool rig_read_body(struct rig *r, struct channel *ch, bool records, size_t size, struct writer *body);

#endif
