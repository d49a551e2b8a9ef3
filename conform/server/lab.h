/* conform/server/lab.h: servers to be tested that the runner starts itself: real processes with free ports in a folder
 * of their own, which the lab describes in the same file that describes anybody else's. */
#ifndef OSPREY_CONFORM_SERVER_LAB_H
#define OSPREY_CONFORM_SERVER_LAB_H

#include "process.h"
#include "target.h"

#define LAB_DETAIL_MAX 400u

struct stage;
struct lab;
/* Makes keys, certificates, cards, profiles and configurations in the folder; nothing runs yet. */
MUST_USE enum err lab_new(const char *folder, struct lab **ret, char detail[LAB_DETAIL_MAX]);
/* The file for stage_new. */
const char *lab_target(const struct lab *lab);
/* Everything runs afterwards, the cards are registered and were heard of. A case: may fail. */
void lab_up(struct stage *s);
void lab_free(struct lab *lab); /* ends what runs */

/* What only a lab can do; these skip the case where there is none. */
void lab_kill(struct stage *s, enum server which);
void lab_restart(struct stage *s, enum server which);
/* Resident memory of a server; 0 where there is no lab. */
unsigned lab_memory_kib(struct stage *s, enum server which);
void lab_device(struct stage *s, enum card card, bool on);
void lab_coverage(struct stage *s, enum card card, bool there);

#endif
