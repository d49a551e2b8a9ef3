#include "schema.h"

#include "lib/engine/engine.h"
#include "lib/role/rewrap.h"
#include "lib/role/undelivered.h"

static const char FIRST[] =
    "CREATE TABLE profile (iccid TEXT PRIMARY KEY, owner TEXT NOT NULL, type TEXT NOT NULL, imsi TEXT, msisdn TEXT,"
    " pol2 INTEGER NOT NULL, size INTEGER NOT NULL, memory INTEGER NOT NULL, state INTEGER NOT NULL, eid TEXT, smsr "
    "TEXT,"
    " isdp BLOB, keys BLOB) WITHOUT ROWID;"
    "CREATE INDEX profile_type ON profile (type, owner, state);"
    "CREATE TABLE package (iccid TEXT PRIMARY KEY, package BLOB NOT NULL);"
    "CREATE TABLE job (id TEXT PRIMARY KEY, eid TEXT NOT NULL, version INTEGER NOT NULL, requester TEXT NOT NULL,"
    " call_id TEXT NOT NULL, function TEXT NOT NULL, request BLOB NOT NULL, smsr TEXT NOT NULL, started_ms INTEGER NOT "
    "NULL,"
    " step TEXT, iccid TEXT, deadline_ms INTEGER, flags INTEGER, reply_slot INTEGER, reply_generation INTEGER,"
    " out_function TEXT, out_call TEXT, out_message BLOB, out_ms INTEGER, out_tries INTEGER, next_ms INTEGER, isdp "
    "BLOB,"
    " other TEXT, secret BLOB, sent_from INTEGER, sent_to INTEGER, attempt INTEGER, exec INTEGER, subject TEXT, code "
    "TEXT,"
    " subject_id TEXT, detail TEXT, euicc_response BLOB) WITHOUT ROWID;"
    "CREATE INDEX job_eid ON job (eid, started_ms);"
    "CREATE TABLE seen (message_id BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX seen_at ON seen (at_ms);";

/* The key for delete tokens is wrapped. */
static const char TOKEN[] = "ALTER TABLE profile ADD COLUMN token_state INTEGER NOT NULL DEFAULT 0;"
                            "ALTER TABLE profile ADD COLUMN token BLOB;"
                            "ALTER TABLE profile ADD COLUMN token_number INTEGER NOT NULL DEFAULT 0;";
/* Where the eUICC is, when it moved under the job. */
static const char MOVED[] = "ALTER TABLE job ADD COLUMN moved_ms INTEGER NOT NULL DEFAULT 0;";
static const char CONNECTIVITY[] = "ALTER TABLE profile ADD COLUMN connectivity BLOB;";

const struct migration smdp_migrations[SMDP_MIGRATIONS] = { { "0001_engine", ENGINE_SCHEMA },
                                                            { "0002_first", FIRST },
                                                            { "0003_undelivered", UNDELIVERED_SCHEMA },
                                                            { "0004_connectivity", CONNECTIVITY },
                                                            { "0005_token", TOKEN },
                                                            { "0006_rewrap", REWRAP_SCHEMA },
                                                            { "0007_moved", MOVED } };

const struct statement SMDP_PROFILE_ADD = { "profile-add",
                                            "INSERT INTO profile (iccid, owner, type, imsi, msisdn, pol2, size, "
                                            "memory, state, connectivity, token_state) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,0,?9,?10)",
                                            NULL };
const struct statement SMDP_PROFILE_LOAD = {
    "profile-load",
    "SELECT iccid, owner, type, imsi, msisdn, pol2, size, memory, state, eid, smsr, isdp, connectivity,"
    " keys, token_state, token, token_number FROM profile WHERE iccid=?1",
    NULL
};
const struct statement SMDP_PROFILE_OF_TYPE = {
    "profile-of-type",
    "SELECT iccid, owner, type, imsi, msisdn, pol2, size, memory, state, eid, smsr, isdp, connectivity,"
    " keys, token_state, token, token_number FROM profile"
    " WHERE type=?1 AND owner=?2 AND state=0 ORDER BY iccid LIMIT 1",
    NULL
};
const struct statement SMDP_TYPE_KNOWN = { "type-known", "SELECT count(*) FILTER (WHERE owner=?2), count(*) FROM profile WHERE type=?1",
                                           NULL };
const struct statement SMDP_PACKAGE_LOAD = { "package-load", "SELECT package FROM package WHERE iccid=?1", NULL };
const struct statement SMDP_PROFILE_RESERVE = {
    "profile-reserve", "UPDATE profile SET state=1, eid=?2, smsr=?3 WHERE iccid=?1 AND state=0", NULL
};
const struct statement SMDP_PROFILE_FREE_AGAIN = {
    "profile-free",
    "UPDATE profile SET state=0, eid=NULL, smsr=NULL, isdp=NULL, keys=NULL, token=NULL,"
    " token_state=CASE WHEN token_state=0 THEN 0 ELSE 1 END WHERE iccid=?1 AND eid=?2",
    NULL
};
const struct statement SMDP_PROFILE_KEYS = { "profile-keys", "UPDATE profile SET isdp=?2, keys=?3 WHERE iccid=?1",
                                             NULL };
const struct statement SMDP_PROFILE_MOVED = { "profile-moved", "UPDATE profile SET smsr=?3 WHERE iccid=?1 AND eid=?2", NULL };
const struct statement SMDP_PROFILE_DONE = { "profile-done", "UPDATE profile SET state=2 WHERE iccid=?1", NULL };
const struct statement SMDP_PROFILE_ADDRESS = { "profile-address",
                                                "UPDATE profile SET imsi=?2, msisdn=?3 WHERE iccid=?1", NULL };
const struct statement SMDP_PROFILE_POL2 = { "profile-pol2", "UPDATE profile SET pol2=?2 WHERE iccid=?1", NULL };
const struct statement SMDP_PROFILE_CONNECTIVITY = { "profile-connectivity",
                                                     "UPDATE profile SET connectivity=?2 WHERE iccid=?1", NULL };
const struct statement SMDP_PROFILE_TOKEN = { "profile-token", "UPDATE profile SET token=?2 WHERE iccid=?1", NULL };
const struct statement SMDP_PROFILE_TOKEN_SET = { "profile-token-set", "UPDATE profile SET token_state=2 WHERE iccid=?1", NULL };
const struct statement SMDP_PROFILE_TOKEN_NUMBER = {
    "profile-token-number", "UPDATE profile SET token_number=token_number+1 WHERE iccid=?1", NULL
};
const struct statement SMDP_PROFILE_LIST = {
    "profile-list", "SELECT iccid, imsi, msisdn FROM profile WHERE iccid>?1 ORDER BY iccid LIMIT 64", NULL
};

const struct statement SMDP_PROFILE_OF_OWNER = {
    "profile-of-owner",
    "SELECT iccid, type, imsi, msisdn, pol2, size, memory, state, eid, token_state FROM profile WHERE owner=?1 AND iccid>?2"
    " ORDER BY iccid LIMIT 256",
    NULL
};

/* The first columns are those of job-add; the others those of job-save, in its order. */
const struct statement SMDP_JOB_LOAD = { "job-load",
                                         "SELECT id, version, requester, call_id, function, request, smsr, started_ms,"
                                         " step, iccid, deadline_ms, flags, reply_slot, reply_generation, "
                                         "out_function, out_call, out_message, out_ms, out_tries,"
                                         " next_ms, isdp, other, secret, sent_from, sent_to, attempt, exec, subject, "
                                         "code, subject_id, detail, euicc_response, moved_ms"
                                         " FROM job WHERE eid=?1 ORDER BY started_ms, id",
                                         NULL };
const struct statement SMDP_JOB_ADD = {
    "job-add",
    "INSERT INTO job (id, eid, version, requester, call_id, function, request, smsr, started_ms)"
    " VALUES (?1,?2,1,?3,?4,?5,?6,?7,?8)",
    NULL
};
const struct statement SMDP_JOB_SAVE = {
    "job-save",
    "UPDATE job SET version=version+1, step=?3, iccid=?4, deadline_ms=?5, flags=?6, reply_slot=?7, reply_generation=?8,"
    " out_function=?9, out_call=?10, out_message=?11, out_ms=?12, out_tries=?13, next_ms=?14, isdp=?15, other=?16, "
    "secret=?17,"
    " sent_from=?18, sent_to=?19, attempt=?20, exec=?21, subject=?22, code=?23, subject_id=?24, detail=?25,"
    " euicc_response=?26, smsr=?27, moved_ms=?28 WHERE id=?1 AND version=?2",
    NULL
};
const struct statement SMDP_JOB_DROP = { "job-drop", "DELETE FROM job WHERE id=?1 AND version=?2", NULL };

const struct statement SMDP_SEEN_LOAD = { "seen-load", "SELECT 1 FROM seen WHERE message_id=?1", NULL };
const struct statement SMDP_SEEN_ADD = { "seen-add", "INSERT INTO seen (message_id, at_ms) VALUES (?1,?2)", NULL };
const struct statement SMDP_SEEN_PRUNE = { "seen-prune", "DELETE FROM seen WHERE at_ms<?1", NULL };
