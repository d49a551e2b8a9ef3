/* conform/server/cases.h: the groups of off-card cases, and the scene that several share: eUICCs and profiles in a known
 * state before each case, and again after it. */
#ifndef OSPREY_CONFORM_SERVER_CASES_H
#define OSPREY_CONFORM_SERVER_CASES_H

#include "stage.h"

extern const struct server_group server_es1_group, server_read_group, server_download_group, server_switch_group, server_policy_group,
    server_change_group, server_rights_group, server_binding_group, server_robust_group, server_functions_group, server_ways_group;

/* ---- the scene (scene.c) ---- */
const char *card_eid(struct stage *s, enum card c); /* these skip the case when the target has none */
const char *card_iccid(struct stage *s, enum card c);
const char *order_iccid(struct stage *s, enum order o);
const char *order_type(struct stage *s, enum order o);
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

#define EID_ICCID "<Eid>%s</Eid><Iccid>%s</Iccid>"
#define POL2_RULE(action, qualification)                                                                               \
    "<Rule><Subject>PROFILE</Subject><Action>" action "</Action><Qualification>" qualification "</Qualification></Rule>"

/* ES4.GetEIS, and a profile in such an answer; state "": it is not there. */
struct view {
    const char *state, *aid;
    bool fallback, has_pol2;
};
struct message *eis_seen(struct stage *s, enum role by, enum card c);
struct view profile_in(struct stage *s, const struct message *m, const char *iccid);
struct view profile_view(struct stage *s, enum card c, enum order o);
struct view factory_view(struct stage *s, enum card c);
/* The owner calls a function of a profile ("EnableProfile"): over ES4, or ES2 where it has no other way. */
struct message *owner_asks(struct stage *s, enum order o, enum card c, const char *what);
struct message *by_smdp(struct stage *s, enum order o, enum card c, const char *what); /* over ES2 */
struct message *download(struct stage *s, enum card c, enum order o, bool enable);
struct message *pol2_set(struct stage *s, enum card c, enum order o, const char *rules);
/* Fails unless the profile is so on record. */
void need_state(struct stage *s, enum card c, enum order o, const char *state);
void need_factory(struct stage *s, enum card c, const char *state);
/* ES4A.SetPLMA by the order's owner for the service provider: these operations ("EnableProfile DisableProfile"). */
struct message *plma_set(struct stage *s, enum role by, enum role sp, const char *type, const char *operations);
/* cases_functions.c: ES4, ES2 and ES3 ("EnableProfile", …) of that profile, each must give that status. */
void refused_all_ways(struct stage *s, enum card c, const char *verb, enum order o, const char *want);
/* cases_change.c: the last record of that type (4 hex digits) about that profile in the trail that another SM-SR would be handed;
 * none: the case fails. Nothing is judged when the runner is no SM-SR there. */
void need_recorded(struct stage *s, enum card c, const char *type, const char *iccid);
/* Brings the profile into that state on that card: "Disabled", "Enabled", "": not there. The factory profile is enabled
 * when no other is. */
void scene_profile(struct stage *s, enum card c, enum order o, const char *state);
/* An ISD-P of the runner's SM-DP, deleted after the case. */
void scene_made(struct stage *s, const char *iccid);

/* Looks at the servers before the first case; brings back what the case touched. */
void scene_open(struct stage *s);
void scene_restore(struct stage *s);

#endif
