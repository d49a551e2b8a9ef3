/* sm-dp/store/schema.h: the SM-DP's tables and statements. */
#ifndef OSPREY_SMDP_SCHEMA_H
#define OSPREY_SMDP_SCHEMA_H

#include "lib/io/sqlite.h"

#define SMDP_MIGRATIONS 7u
extern const struct migration smdp_migrations[SMDP_MIGRATIONS];

/* A profile that was ordered. state: enum smdp_profile_state. package and keys are wrapped. */
enum smdp_profile_state { SMDP_PROFILE_FREE, SMDP_PROFILE_RESERVED, SMDP_PROFILE_INSTALLED };
enum smdp_token_state { SMDP_TOKEN_NONE, SMDP_TOKEN_ORDERED, SMDP_TOKEN_SET }; /* SET: its ISD-P has the key */
extern const struct statement SMDP_PROFILE_ADD, SMDP_PROFILE_LOAD, SMDP_PROFILE_OF_TYPE, SMDP_TYPE_KNOWN,
    SMDP_PACKAGE_LOAD, SMDP_PROFILE_RESERVE, SMDP_PROFILE_FREE_AGAIN, SMDP_PROFILE_KEYS, SMDP_PROFILE_MOVED, SMDP_PROFILE_DONE,
    SMDP_PROFILE_ADDRESS, SMDP_PROFILE_POL2, SMDP_PROFILE_LIST, SMDP_PROFILE_OF_OWNER, SMDP_PROFILE_CONNECTIVITY,
    SMDP_PROFILE_TOKEN, SMDP_PROFILE_TOKEN_SET, SMDP_PROFILE_TOKEN_NUMBER;

/* A function of an operator that is being carried out. */
extern const struct statement SMDP_JOB_LOAD, SMDP_JOB_ADD, SMDP_JOB_SAVE, SMDP_JOB_DROP;

/* Notifications that were relayed: a repeat is recognised by its MessageID. */
extern const struct statement SMDP_SEEN_LOAD, SMDP_SEEN_ADD, SMDP_SEEN_PRUNE;

#endif
