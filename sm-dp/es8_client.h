/* sm-dp/es8_client.h: the SM-DP talks to its ISD-P inside ES3.SendData (SGP.02 §4.1.3): key establishment, SCP03t. Data
 * goes and comes as TLVs of the expanded format without the outer tag (22/23, 84 … 87). */
#ifndef OSPREY_SMDP_ES8_CLIENT_H
#define OSPREY_SMDP_ES8_CLIENT_H

#include "lib/ota/es8.h"
#include "lib/scp/key_establishment.h"
#include "lib/scp/scp03t.h"
#include "token.h"
#include "turn.h"

/* What a download must remember between its steps; stored wrapped in the job. Wipe after use. */
struct es8_state {
    uint8_t curve; /* of the card: enum ec_curve */
    uint8_t pk_ecasd[KA_POINT_LEN];
    bool has_host;
    struct ka_host host; /* ephemeral key */
    uint8_t signature[KA_SIGNATURE_LEN];
    struct scp03_keys keys; /* key_len 0: not agreed yet */
    uint8_t host_challenge[SCP03_CHALLENGE_LEN];
    uint8_t shown[CARD_MARK_LEN]; /* the certificate that the card knows us by; all zero: none yet */
    struct scp03_session start, end; /* before and behind the segments under way */
};
MUST_USE enum err es8_state_load(struct turn *t, const struct job *j, struct es8_state *ret);
MUST_USE enum err es8_state_save(struct turn *t, struct job *j, const struct es8_state *s);

/* The data of each SendData, in the arena; empty when it cannot be made. */
struct span es8_authenticate_data(struct turn *t, const struct job *j, struct es8_state *s);
/* Draws the ephemeral key and signs, unless t->again. */
MUST_USE enum err es8_establish_data(struct turn *t, struct es8_state *s, struct span rc, struct span *ret);
struct span es8_open_data(struct turn *t, struct es8_state *s);
/* 85 at the beginning of a session, then segments of the package from j->sent_from; sets j->sent_to and s->end. */
MUST_USE enum err es8_segments_data(struct turn *t, struct job *j, struct es8_state *s, struct span package,
                                    struct span *ret);

/* UpdateConnectivityParameters: a channel of APDUs (SCP03) to the ISD-P; then EXTERNAL AUTHENTICATE and STORE DATA with
 * `parameters` (A0, A1, A2 as es6.h has them) in one call. */
struct span es8_channel_data(struct turn *t, struct es8_state *s);
MUST_USE enum err es8_connectivity_data(struct turn *t, struct es8_state *s, struct span parameters, struct span *ret);

/* What a delete token will be checked against: EXTERNAL AUTHENTICATE, STORE DATA of SIN, SDIN and provider, and PUT KEY. */
struct es8_token {
    struct token_identity who;
    uint8_t key[TOKEN_KEY_LEN];
    bool replaces; /* a key that is there already */
};
MUST_USE enum err es8_token_data(struct turn *t, struct es8_state *s, const struct es8_token *token, struct span *ret);

/* The card's answers: response data of SendData. On failure *ret_status says what the operator is told. */
MUST_USE bool es8_challenge_of(struct span answer, struct span *ret_rc, struct status *ret_status);
MUST_USE bool es8_keys_of(struct span answer, struct es8_state *s, struct status *ret_status);
MUST_USE bool es8_session_of(struct span answer, const struct job *j, struct es8_state *s, struct status *ret_status);
MUST_USE bool es8_channel_of(struct span answer, const struct job *j, struct es8_state *s, struct status *ret_status);
/* The last command of a channel; what: for people. */
MUST_USE bool es8_channel_answered(struct turn *t, struct span answer, struct es8_state *s, const char *what,
                                   struct status *ret_status);
/* ---- for all of them */
bool es8_refuse(struct status *ret, const char *what, const char *why);
/* The last R-APDU as it stands, or its data; the first bad one is told. */
bool es8_last_answer(struct span answer, const char *what, struct span *ret, struct status *ret_status);
bool es8_last_answer_data(struct span answer, const char *what, struct span *ret, struct status *ret_status);

/* Segments. *ret_complete: the card said that the whole package is installed. *ret_lost: the channel is gone, a new
 * session may do. */
MUST_USE bool es8_segments_answered(struct turn *t, struct span answer, const struct job *j, struct es8_state *s,
                                    struct span package, bool *ret_complete, bool *ret_lost, struct status *ret_status);

#endif
