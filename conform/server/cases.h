/* conform/server/cases.h: the groups of off-card cases, and the scene that several share: eUICCs and profiles in a known
 * state before each case, and again after it. */
#ifndef OSPREY_CONFORM_SERVER_CASES_H
#define OSPREY_CONFORM_SERVER_CASES_H

#include "stage.h"

extern const struct server_group es1_group;

/* ---- the scene (scene.c) ---- */
const char *card_eid(struct stage *s, enum card c); /* these skip the case when the target has none */
const char *card_iccid(struct stage *s, enum card c);
const char *order_iccid(struct stage *s, enum order o);
enum role order_owner(enum order o);
const char *record_xml(struct stage *s, enum record r);
const char *record_eid(struct stage *s, enum record r);
/* An EID like that of the first card that no eUICC has. */
const char *no_eid(struct stage *s);

/* XML as text, whatever prefix it has: with another text in the first element of that name; with something put before that
 * element's start tag. */
const char *xml_with(struct stage *s, const char *xml, const char *name, const char *text);
const char *xml_before(struct stage *s, const char *xml, const char *name, const char *what);
const char *file_text(struct stage *s, const char *path);

/* Looks at the servers before the first case; brings back what the case touched. */
void scene_open(struct stage *s);
void scene_restore(struct stage *s);

#endif
