/* sm-sr/store/schema.h: the SM-SR's tables and statements. Every table is keyed by the EID first; only the short list
 * at the end of schema.c looks across eUICCs (who has this MSISDN, this ICCID, this AID). Secrets are wrapped. */
#ifndef OSPREY_SMSR_SCHEMA_H
#define OSPREY_SMSR_SCHEMA_H

#include "lib/base/store.h"
#include "lib/io/sqlite.h"

#define SMSR_RESTORED   "restored" /* a timer: the database was restored, this eUICC is in doubt */
#define SMSR_MIGRATIONS 11u
extern const struct migration smsr_migrations[SMSR_MIGRATIONS];

/* One eUICC. The columns stand beside the code that reads them (euicc.c, eis.c). */
extern const struct statement SMSR_EUICC_LOAD, SMSR_EUICC_ADD, SMSR_EUICC_SAVE, SMSR_EUICC_MOVE, SMSR_EUICC_DROP;
/* An eUICC that leaves: what is kept of it is its audit trail, and where it went. */
extern const struct statement SMSR_PROFILE_CLEAR, SMSR_KEYSET_CLEAR, SMSR_OPERATION_CLEAR, SMSR_EXCHANGE_CLEAR,
    SMSR_DOCUMENT_CLEAR, SMSR_PROPERTY_CLEAR, SMSR_DEPARTED_ADD;
extern const struct statement SMSR_PROFILE_LOAD, SMSR_PROFILE_PUT, SMSR_PROFILE_SWITCH, SMSR_PROFILE_ADD,
    SMSR_PROFILE_DROP;
extern const struct statement SMSR_KEYSET_LOAD, SMSR_KEYSET_ADD, SMSR_KEYSET_COUNT, SMSR_KEYSET_DROP;
extern const struct statement SMSR_OPERATION_LOAD, SMSR_OPERATION_ADD, SMSR_OPERATION_SAVE, SMSR_OPERATION_ASKED, SMSR_OPERATION_DROP;
extern const struct statement SMSR_EXCHANGE_LOAD, SMSR_EXCHANGE_ADD, SMSR_EXCHANGE_SAVE, SMSR_EXCHANGE_DROP;
extern const struct statement SMSR_DOCUMENT_LOAD, SMSR_DOCUMENT_ADD, SMSR_DOCUMENT_TRAIL_TAKEN;
extern const struct statement SMSR_PROPERTY_LOAD, SMSR_PROPERTY_PUT;
/* The audit trail: a chain for each eUICC. */
extern const struct statement SMSR_AUDIT_ADD, SMSR_AUDIT_LOAD, SMSR_AUDIT_LAST, SMSR_AUDIT_PAGE, SMSR_AUDIT_OLD, SMSR_AUDIT_END,
    SMSR_AUDIT_EIDS;
/* PrepareSMSRChange: we shall take that eUICC over. */
extern const struct statement SMSR_PREPARED_LOAD, SMSR_PREPARED_PUT, SMSR_PREPARED_DROP, SMSR_PREPARED_PRUNE;

/* PLMA and ONC of operators: by (operator, profile type). Lists are names with blanks between. */
extern const struct statement SMSR_PLMA_PUT, SMSR_PLMA_DROP, SMSR_PLMA_LIST, SMSR_PLMA_ALL, SMSR_PLMA_OF_EUICC, SMSR_PLMA_OF_PROFILE;
extern const struct statement SMSR_ONC_PUT, SMSR_ONC_DROP, SMSR_ONC_LIST, SMSR_ONC_OF_EUICC, SMSR_TYPE_OF_ICCID;

/* Across eUICCs. */
extern const struct statement SMSR_FIND_BY_MSISDN, SMSR_FIND_BY_ICCID, SMSR_FIND_BY_AID;
/* For the administration: pages of 200. */
extern const struct statement SMSR_EUICC_PAGE, SMSR_OPERATION_PAGE, SMSR_EXCHANGE_LOOK, SMSR_FIGURES;

#endif
