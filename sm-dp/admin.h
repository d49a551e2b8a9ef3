/* sm-dp/admin.h: what SGP.02 leaves to the parties: operators order profiles and see what became of them, as JSON over
 * the same HTTPS with their own certificates. Described for others in docs/sm-dp-admin.yaml.
 *
 *     GET  /admin/v1/profiles[?after=ICCID]   the caller's profiles, a page
 *     POST /admin/v1/profiles                 { "package": hex, "type", "imsi", "msisdn", "pol2", "memory" } */
#ifndef OSPREY_SMDP_ADMIN_H
#define OSPREY_SMDP_ADMIN_H

#include "smdp.h"

#define SMDP_ADMIN_PREFIX "/admin/v1/"

struct smdp_admin_request {
    const struct smdp_partner *partner; /* NULL: nobody known */
    struct span method, path, query, body;
};
/* The HTTP status; *ret_json in the arena, never empty. */
int smdp_admin(struct smdp *s, const struct smdp_admin_request *request, struct arena *a, struct span *ret_json);

#endif
