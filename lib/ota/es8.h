/* lib/ota/es8.h: what the SM-DP says to its ISD-P (SGP.02 §4.1.3): the scripts of key establishment, of the download,
 * and of UpdateConnectivityParameters, composed of lib/gp parts; keys and secure channels are lib/scp's business. */
#ifndef OSPREY_OTA_ES8_H
#define OSPREY_OTA_ES8_H

#include "lib/gp/ram_script.h"
#include "es6.h"

/* EstablishISDPKeySet, first script: INSTALL [for personalization] for the ISD-P and STORE DATA with `first` (the 3A01
 * DGI). last_block: how many STORE DATA blocks there are, so the second script counts on. To the ISD-R. */
void es8_authenticate_write(struct ram_script *s, const struct aid *isdp, struct span first, uint8_t *ret_next_block);
/* Second script: STORE DATA with the 3A02, 7F49 and 5F37 DGIs. */
void es8_establish_write(struct ram_script *s, struct span dgis, uint8_t next_block);

/* The R-APDUs of a script's answer: the first that is not positive, or else the last. ERR_BAD_TAG, ERR_BAD_VALUE (the
 * card found the script's format bad), ERR_MISSING (fewer than `expected`, all of them positive). */
MUST_USE enum err es8_last_rapdu(struct span results, size_t expected, struct rapdu *ret);

/* EUICCResponse of a profile package (TCA): what comes back behind the last element. */
#define ES8_PE_STATUS_MAX 16u
struct es8_pe_status {
    uint8_t status; /* 0 ok, see es8_pe_status_text */
    bool has_identification, has_additional;
    uint16_t identification, additional;
};
struct es8_profile_response {
    struct es8_pe_status status[ES8_PE_STATUS_MAX];
    size_t count;
    bool aborted;
    struct span message; /* text of 82; empty: none */
};
void es8_profile_response_write(struct writer *w, const struct es8_profile_response *r);
MUST_USE enum err es8_profile_response_parse(struct span data, struct es8_profile_response *ret);
/* Installed: not aborted. Elements that were not mandated may have failed (status is not 0) all the same. */
bool es8_profile_response_ok(const struct es8_profile_response *r);
const char *es8_pe_status_text(uint8_t status);

/* SIN, SDIN, application provider: DGI 0070, one object each. tag: 42, 45, 5F20. Plain STORE DATA for SCP03. */
void es8_provider_data_write(struct writer *w, uint32_t tag, struct span value);

#endif
