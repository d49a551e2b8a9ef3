/* tests/unit/sm-sr/https.h: the card's administration agent in the test's world: TLS client, HTTP, one script a POST.
 */
#ifndef OSPREY_TESTS_SMSR_HTTPS_H
#define OSPREY_TESTS_SMSR_HTTPS_H

#include "world.h"

struct https_client {
    unsigned sessions, scripts;  /* so far */
    unsigned drop_after_scripts; /* the connection breaks when the n-th script has been executed, before its answer; 0:
                                    never */
    bool wrong_key, wrong_identity;
    char target[64]; /* X-Admin-Targeted-Application of the last script */
    char last_uri[256];
    int last_status;
    bool open;
};
/* From now on the card answers triggers with sessions. */
void https_install(struct world *w, struct https_client *client);
/* Opens one without trigger: the card has something to say ("msg=…"); NULL: nothing. */
void https_open(struct world *w, const char *query);

#endif
