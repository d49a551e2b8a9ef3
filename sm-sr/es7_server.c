#include "procedures/change.h"
#include "server.h"

/* ES7, SM-SR to SM-SR (SGP.02 §5.6). */

static const struct server_row rows[] = {
    { ES7_HANDOVER_EUICC, NULL, &SMSR_HANDOVER, smsr_fill_handover, false, true },
    { ES7_AUTHENTICATE_SMSR, NULL, &SMSR_AUTHENTICATE, smsr_fill_authenticate, false, true },
    { ES7_CREATE_ADDITIONAL_KEY_SET, NULL, &SMSR_CREATE_KEYSET, smsr_fill_create_keyset, false, true },
};

const struct server smsr_es7_server = { ES_IF_ES7, SMSR_SMSR, rows, ARRAY_LEN(rows) };
