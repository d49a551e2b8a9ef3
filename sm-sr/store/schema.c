#include "schema.h"

#include "lib/engine/engine.h"
#include "lib/role/rewrap.h"
#include "lib/role/undelivered.h"
#include "sm-sr/channel/parts.h"
#include "sm-sr/channel/presence.h"

static const char FIRST[] =
    /* small and hot: what a procedure needs */
    "CREATE TABLE euicc (eid TEXT PRIMARY KEY, version INTEGER NOT NULL, eum_id TEXT NOT NULL,"
    " remaining_memory INTEGER NOT NULL, available_memory INTEGER NOT NULL, last_audit_ms INTEGER NOT NULL,"
    " http INTEGER NOT NULL, next_n INTEGER NOT NULL, alarm_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL,"
    " seen_from TEXT, imei BLOB, meid BLOB, note_type INTEGER NOT NULL, note_sequence INTEGER NOT NULL, note_isdp BLOB,"
    " expired_isdp BLOB, heard_counter INTEGER NOT NULL DEFAULT 0,"
    " chain BLOB) WITHOUT ROWID;"
    "CREATE INDEX euicc_seen_from ON euicc (seen_from) WHERE seen_from IS NOT NULL;"
    "CREATE TABLE profile (eid TEXT NOT NULL, iccid TEXT NOT NULL, isdp BLOB NOT NULL, mno TEXT NOT NULL, smdp TEXT,"
    " type TEXT, state INTEGER NOT NULL, fallback INTEGER NOT NULL, msisdn TEXT, imsi TEXT, allocated INTEGER NOT NULL,"
    " free INTEGER, pol2 INTEGER NOT NULL, PRIMARY KEY (eid, iccid)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX profile_iccid ON profile (iccid);"
    "CREATE INDEX profile_msisdn ON profile (msisdn) WHERE msisdn IS NOT NULL;"
    "CREATE INDEX profile_isdp ON profile (isdp);"
    "CREATE TABLE keyset (eid TEXT NOT NULL, kvn INTEGER NOT NULL, usage INTEGER NOT NULL, kid INTEGER NOT NULL,"
    " counter INTEGER NOT NULL, wrapped BLOB NOT NULL, PRIMARY KEY (eid, kvn)) WITHOUT ROWID;"
    /* running and waiting procedures, and the commands under way to the card */
    "CREATE TABLE operation (eid TEXT NOT NULL, n INTEGER NOT NULL, procedure TEXT NOT NULL, step TEXT NOT NULL,"
    " function TEXT NOT NULL, requester TEXT NOT NULL, call_id TEXT NOT NULL, iccid TEXT, isdp BLOB, other BLOB, mno "
    "TEXT,"
    " memory INTEGER NOT NULL, flags INTEGER NOT NULL, data BLOB, result BLOB, context BLOB, warning TEXT,"
    " started_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL, PRIMARY KEY (eid, n));"
    "CREATE TABLE exchange (eid TEXT NOT NULL, n INTEGER NOT NULL, operation INTEGER NOT NULL, purpose INTEGER NOT "
    "NULL,"
    " bearer INTEGER NOT NULL, target BLOB NOT NULL, state INTEGER NOT NULL, flags INTEGER NOT NULL, kvn INTEGER NOT "
    "NULL,"
    " counter INTEGER NOT NULL, tries INTEGER NOT NULL, next_ms INTEGER NOT NULL, destination TEXT, script BLOB NOT "
    "NULL,"
    " packet BLOB, PRIMARY KEY (eid, n));"
    /* documents, apart */
    "CREATE TABLE document (eid TEXT PRIMARY KEY, signed_info BLOB NOT NULL, signature BLOB NOT NULL,"
    " isdr_aid BLOB, isdr_sin BLOB, isdr_sdin BLOB, loadfile BLOB, module BLOB, registered_ms INTEGER NOT NULL);"
    "CREATE TABLE property (eid TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (eid, key));"
    "CREATE TABLE audit (eid TEXT NOT NULL, at_ms INTEGER NOT NULL, operation INTEGER NOT NULL, requester TEXT,"
    " exec INTEGER, subject TEXT, reason TEXT, isdp BLOB, iccid TEXT, imei BLOB, meid BLOB);"
    "CREATE INDEX audit_eid ON audit (eid, at_ms);";

/* The SM-SR change: who comes, who goes. */
static const char CHANGE[] = "ALTER TABLE euicc ADD COLUMN coming INTEGER NOT NULL DEFAULT 0;"
                             "ALTER TABLE euicc ADD COLUMN left_to TEXT;"
                             "ALTER TABLE operation ADD COLUMN peer TEXT;"
                             "ALTER TABLE operation ADD COLUMN asked TEXT;"
                             "ALTER TABLE operation ADD COLUMN secret BLOB;"
                             "CREATE TABLE prepared (eid TEXT PRIMARY KEY, smsr TEXT NOT NULL, initiator TEXT NOT "
                             "NULL, until_ms INTEGER NOT NULL)"
                             " WITHOUT ROWID;"
                             "CREATE TABLE departed (eid TEXT NOT NULL, smsr TEXT NOT NULL, at_ms INTEGER NOT NULL);"
                             "CREATE INDEX departed_eid ON departed (eid);";

/* PLMA, ONC, the emergency attribute (v3.2, v4). */
static const char RIGHTS[] =
    "ALTER TABLE profile ADD COLUMN emergency INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE plma (mno TEXT NOT NULL, type TEXT NOT NULL, sp TEXT NOT NULL, operations TEXT NOT NULL,"
    " PRIMARY KEY (mno, type, sp)) WITHOUT ROWID;"
    "CREATE INDEX plma_sp ON plma (sp);"
    "CREATE TABLE onc (mno TEXT NOT NULL, type TEXT NOT NULL, discarded TEXT NOT NULL, PRIMARY KEY (mno, type))"
    " WITHOUT ROWID;";

/* The audit trail as a chain, by eUICC (trail.h). Records of before have no number. */
static const char CHAIN[] = "ALTER TABLE audit ADD COLUMN smsr TEXT;"
                            "ALTER TABLE audit ADD COLUMN n INTEGER;"
                            "ALTER TABLE audit ADD COLUMN hash BLOB;"
                            "ALTER TABLE audit ADD COLUMN received BLOB;"
                            "DROP INDEX audit_eid;"
                            "CREATE UNIQUE INDEX audit_n ON audit (eid, n);"
                            "ALTER TABLE euicc ADD COLUMN audit_n INTEGER NOT NULL DEFAULT 0;"
                            "ALTER TABLE euicc ADD COLUMN audit_hash BLOB;"
                            "ALTER TABLE departed ADD COLUMN audit_n INTEGER NOT NULL DEFAULT 0;"
                            "ALTER TABLE departed ADD COLUMN audit_hash BLOB;"
                            "ALTER TABLE document ADD COLUMN trail BLOB;";

/* CAT_TP: who can, and the latest invitation of an exchange whose command is drawn already. */
static const char CAT_TP[] = "ALTER TABLE euicc ADD COLUMN cat_tp INTEGER NOT NULL DEFAULT 0;"
                             "ALTER TABLE exchange ADD COLUMN invited INTEGER NOT NULL DEFAULT 0;";

/* A key set that another one has taken the place of. */
static const char RETIRED[] = "ALTER TABLE keyset ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;";

const struct migration smsr_migrations[SMSR_MIGRATIONS] = { { "0001_engine", ENGINE_SCHEMA },
                                                            { "0002_first", FIRST },
                                                            { "0003_change", CHANGE },
                                                            { "0004_rights", RIGHTS },
                                                            { "0005_chain", CHAIN },
                                                            { "0006_undelivered", UNDELIVERED_SCHEMA },
                                                            { "0007_cat_tp", CAT_TP },
                                                            { "0008_presence", SMSR_PRESENCE_SCHEMA },
                                                            { "0009_rewrap", REWRAP_SCHEMA },
                                                            { "0010_parts", SMSR_PARTS_SCHEMA },
                                                            { "0011_retired", RETIRED } };

const struct statement SMSR_EUICC_LOAD = {
    "euicc-load",
    "SELECT version, eum_id, remaining_memory, available_memory, last_audit_ms, http, next_n, alarm_ms, seen_ms, "
    "seen_from,"
    " imei, meid, note_type, note_sequence, note_isdp, expired_isdp, heard_counter, chain, coming, left_to, audit_n, audit_hash, cat_tp "
    "FROM euicc WHERE eid=?1",
    NULL
};
const struct statement SMSR_EUICC_ADD = { "euicc-add",
                                          "INSERT INTO euicc (eid, version, eum_id, remaining_memory, "
                                          "available_memory, last_audit_ms, http, next_n, alarm_ms,"
                                          " seen_ms, note_type, note_sequence, cat_tp) VALUES (?1,1,?2,?3,?4,0,?5,1,0,0,0,0,?6)",
                                          NULL };
const struct statement SMSR_EUICC_SAVE = {
    "euicc-save",
    "UPDATE euicc SET version=version+1, remaining_memory=?3, last_audit_ms=?4, next_n=?5, alarm_ms=?6, seen_ms=?7,"
    " imei=?8, meid=?9, note_type=?10, note_sequence=?11, note_isdp=?12, expired_isdp=?13, heard_counter=?14, chain=?15,"
    " coming=?16, left_to=?17, audit_n=?18, audit_hash=?19 WHERE eid=?1 AND version=?2",
    NULL
};
/* Apart: this column has an index. */
const struct statement SMSR_EUICC_MOVE = { "euicc-move", "UPDATE euicc SET seen_from=?2 WHERE eid=?1", NULL };
const struct statement SMSR_EUICC_DROP = { "euicc-drop", "DELETE FROM euicc WHERE eid=?1 AND version=?2", NULL };
const struct statement SMSR_PROFILE_CLEAR = { "profile-clear", "DELETE FROM profile WHERE eid=?1", NULL };
const struct statement SMSR_KEYSET_CLEAR = { "keyset-clear", "DELETE FROM keyset WHERE eid=?1", NULL };
const struct statement SMSR_OPERATION_CLEAR = { "operation-clear", "DELETE FROM operation WHERE eid=?1", NULL };
const struct statement SMSR_EXCHANGE_CLEAR = { "exchange-clear", "DELETE FROM exchange WHERE eid=?1", NULL };
const struct statement SMSR_DOCUMENT_CLEAR = { "document-clear", "DELETE FROM document WHERE eid=?1", NULL };
const struct statement SMSR_PROPERTY_CLEAR = { "property-clear", "DELETE FROM property WHERE eid=?1", NULL };
const struct statement SMSR_DEPARTED_ADD = { "departed-add",
                                             "INSERT INTO departed (eid, smsr, at_ms, audit_n, audit_hash) VALUES (?1,?2,?3,?4,?5)",
                                             NULL };
const struct statement SMSR_PREPARED_LOAD = { "prepared-load",
                                              "SELECT smsr, initiator, until_ms FROM prepared WHERE eid=?1", NULL };
const struct statement SMSR_PREPARED_PUT = {
    "prepared-put",
    "INSERT INTO prepared (eid, smsr, initiator, until_ms) VALUES (?1,?2,?3,?4)"
    " ON CONFLICT (eid) DO UPDATE SET smsr=?2, initiator=?3, until_ms=?4",
    NULL
};
const struct statement SMSR_PREPARED_DROP = { "prepared-drop", "DELETE FROM prepared WHERE eid=?1", NULL };
const struct statement SMSR_PREPARED_PRUNE = { "prepared-prune", "DELETE FROM prepared WHERE until_ms<?1", NULL };
const struct statement SMSR_PROFILE_LOAD = { "profile-load",
                                             "SELECT iccid, isdp, mno, smdp, type, state, fallback, msisdn, imsi, "
                                             "allocated, free, pol2, emergency FROM profile WHERE eid=?1",
                                             NULL };
/* Another eUICC may have taken the ICCID since it was looked for: then no row is touched, and that is a conflict. */
const struct statement SMSR_PROFILE_ADD = {
    "profile-add",
    "INSERT INTO profile (eid, iccid, isdp, mno, smdp, type, state, fallback, msisdn, imsi, allocated, free, pol2, "
    "emergency)"
    " SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14 WHERE NOT EXISTS (SELECT 1 FROM profile WHERE iccid=?2)",
    "INSERT INTO profile (eid, iccid, isdp, mno, smdp, type, state, fallback, msisdn, imsi, allocated, free, pol2, "
    "emergency)"
    " SELECT "
    "$1::text,$2::text,$3::bytea,$4::text,$5::text,$6::text,$7::bigint,$8::bigint,$9::text,$10::text,$11::bigint,"
    "$12::bigint,$13::bigint,$14::bigint WHERE NOT EXISTS (SELECT 1 FROM profile WHERE iccid=$2::text)"
};
const struct statement SMSR_PROFILE_PUT = {
    "profile-put",
    "UPDATE profile SET isdp=?3, mno=?4, smdp=?5, type=?6, state=?7, fallback=?8, msisdn=?9, imsi=?10, allocated=?11,"
    " free=?12, pol2=?13, emergency=?14 WHERE eid=?1 AND iccid=?2",
    NULL
};
/* The same without the columns that have indexes: what a switch changes. */
const struct statement SMSR_PROFILE_SWITCH = {
    "profile-switch", "UPDATE profile SET state=?3, fallback=?4 WHERE eid=?1 AND iccid=?2", NULL
};
const struct statement SMSR_PROFILE_DROP = { "profile-drop", "DELETE FROM profile WHERE eid=?1 AND iccid=?2", NULL };
const struct statement SMSR_KEYSET_LOAD = {
    "keyset-load", "SELECT kvn, usage, kid, counter, wrapped, retired FROM keyset WHERE eid=?1 ORDER BY kvn", NULL
};
const struct statement SMSR_KEYSET_ADD = {
    "keyset-add", "INSERT INTO keyset (eid, kvn, usage, kid, counter, wrapped) VALUES (?1,?2,?3,?4,?5,?6)", NULL
};
const struct statement SMSR_KEYSET_COUNT = { "keyset-count", "UPDATE keyset SET counter=?3, retired=?4 WHERE eid=?1 AND kvn=?2",
                                             NULL };
const struct statement SMSR_KEYSET_DROP = { "keyset-drop", "DELETE FROM keyset WHERE eid=?1 AND kvn=?2", NULL };
const struct statement SMSR_OPERATION_LOAD = {
    "operation-load",
    "SELECT n, procedure, step, function, requester, call_id, iccid, isdp, other, mno, memory, flags, data, result, "
    "context,"
    " warning, started_ms, deadline_ms, peer, asked, secret FROM operation WHERE eid=?1 ORDER BY n",
    NULL
};
const struct statement SMSR_OPERATION_ADD = {
    "operation-add",
    "INSERT INTO operation (eid, n, procedure, step, function, requester, "
    "call_id, iccid, isdp, other, mno, memory, flags,"
    " data, result, context, warning, started_ms, deadline_ms, peer, asked, secret) VALUES "
    "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,"
    "?16,?17,?18,?19,?20,?21,?22)",
    NULL
};
/* data only shrinks and is written again only when it did (?9 tells). */
const struct statement SMSR_OPERATION_SAVE = {
    "operation-save",
    "UPDATE operation SET step=?3, isdp=?4, other=?5, flags=?6, result=?7, warning=?8,"
    " data=CASE WHEN ?9<>0 THEN ?10 ELSE data END, memory=?11, iccid=?12, asked=?13, secret=?14 WHERE eid=?1 AND n=?2",
    NULL
};
const struct statement SMSR_OPERATION_ASKED = { "operation-asked", "UPDATE operation SET context=?3 WHERE eid=?1 AND n=?2", NULL };
const struct statement SMSR_OPERATION_DROP = { "operation-drop", "DELETE FROM operation WHERE eid=?1 AND n=?2", NULL };
const struct statement SMSR_EXCHANGE_LOAD = { "exchange-load",
                                              "SELECT n, operation, purpose, bearer, target, state, flags, kvn, "
                                              "counter, tries, next_ms, destination, script, packet, invited"
                                              " FROM exchange WHERE eid=?1 ORDER BY n",
                                              NULL };
const struct statement SMSR_EXCHANGE_ADD = {
    "exchange-add",
    "INSERT INTO exchange (eid, n, operation, purpose, bearer, target, state, flags, kvn, counter, tries, next_ms,"
    " destination, script, packet, invited) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
    NULL
};
/* The packet changes only when a new counter was drawn (?9 tells). */
const struct statement SMSR_EXCHANGE_SAVE = {
    "exchange-save",
    "UPDATE exchange SET bearer=?3, state=?4, counter=?5, tries=?6, next_ms=?7, destination=?8,"
    " packet=CASE WHEN ?9<>0 THEN ?10 ELSE packet END, kvn=?11, flags=?12, script=CASE WHEN ?13<>0 THEN ?14 ELSE "
    "script END, invited=?15 "
    "WHERE eid=?1 AND n=?2",
    NULL
};
const struct statement SMSR_EXCHANGE_DROP = { "exchange-drop", "DELETE FROM exchange WHERE eid=?1 AND n=?2", NULL };
const struct statement SMSR_DOCUMENT_LOAD = {
    "document-load",
    "SELECT signed_info, signature, isdr_aid, isdr_sin, isdr_sdin, registered_ms, trail FROM document WHERE eid=?1", NULL
};
const struct statement SMSR_DOCUMENT_ADD = {
    "document-add",
    "INSERT INTO document (eid, signed_info, signature, isdr_aid, isdr_sin, isdr_sdin, loadfile, module, registered_ms,"
    " trail) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
    NULL
};
const struct statement SMSR_DOCUMENT_TRAIL_TAKEN = { "document-trail-taken", "UPDATE document SET trail=NULL WHERE eid=?1",
                                                     NULL };
const struct statement SMSR_PROPERTY_LOAD = { "property-load",
                                              "SELECT key, value FROM property WHERE eid=?1 ORDER BY key", NULL };
const struct statement SMSR_PROPERTY_PUT = {
    "property-put",
    "INSERT INTO property (eid, key, value) VALUES (?1,?2,?3) ON CONFLICT (eid, key) DO UPDATE SET value=?3", NULL
};
const struct statement SMSR_AUDIT_ADD = {
    "audit-add",
    "INSERT INTO audit (eid, at_ms, operation, requester, exec, subject, reason, isdp, iccid, imei, meid, smsr, n, hash,"
    " received) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)",
    NULL
};
#define AUDIT_COLUMNS                                                                                                  \
    "at_ms, operation, requester, exec, subject, reason, isdp, iccid, imei, meid, smsr, n, hash, received"
/* The newest; those of before the chain first. */
const struct statement SMSR_AUDIT_LOAD = {
    "audit-load",
    "SELECT " AUDIT_COLUMNS " FROM (SELECT " AUDIT_COLUMNS " FROM audit WHERE eid=?1 ORDER BY COALESCE(n,0) DESC, at_ms"
    " DESC LIMIT 1000) AS newest ORDER BY COALESCE(n,0), at_ms",
    NULL
};
const struct statement SMSR_AUDIT_LAST = {
    "audit-last", "SELECT n, hash FROM audit WHERE eid=?1 AND n>0 ORDER BY n DESC LIMIT 1", NULL
};
const struct statement SMSR_AUDIT_PAGE = {
    "audit-page", "SELECT " AUDIT_COLUMNS " FROM audit WHERE eid=?1 AND n>?2 ORDER BY n LIMIT 200", NULL
};
const struct statement SMSR_AUDIT_OLD = {
    "audit-old", "SELECT " AUDIT_COLUMNS " FROM audit WHERE eid=?1 AND (n IS NULL OR n<1) ORDER BY at_ms LIMIT 1000", NULL
};
/* The end that the chain must have: of an eUICC that is here, or of one that left. */
const struct statement SMSR_AUDIT_END = {
    "audit-end",
    "SELECT audit_n, audit_hash FROM euicc WHERE eid=?1 AND audit_n>0 UNION ALL"
    " SELECT audit_n, audit_hash FROM (SELECT audit_n, audit_hash FROM departed WHERE eid=?1"
    " AND NOT EXISTS (SELECT 1 FROM euicc WHERE eid=?1 AND audit_n>0) ORDER BY at_ms DESC LIMIT 1) AS gone",
    NULL
};
const struct statement SMSR_AUDIT_EIDS = {
    "audit-eids",
    "SELECT eid FROM audit WHERE eid>?1 UNION SELECT eid FROM euicc WHERE eid>?1 UNION SELECT eid FROM departed WHERE"
    " eid>?1 ORDER BY 1 LIMIT 500",
    NULL
};

const struct statement SMSR_FIND_BY_MSISDN = {
    "find-by-msisdn", "SELECT eid FROM euicc WHERE seen_from=?1 UNION ALL SELECT eid FROM profile WHERE msisdn=?1 LIMIT 16",
    NULL
};
const struct statement SMSR_FIND_BY_ICCID = { "find-by-iccid", "SELECT eid FROM profile WHERE iccid=?1", NULL };
const struct statement SMSR_FIND_BY_AID = { "find-by-aid",
                                            "SELECT COUNT(*) FROM (SELECT 1 FROM profile WHERE isdp=?1 LIMIT 1)",
                                            NULL };

/* (after, operator or empty: all, PROFILE_ENABLED) */
const struct statement SMSR_EUICC_PAGE = {
    "euicc-page",
    "SELECT e.eid, e.seen_ms, e.last_audit_ms, e.coming, e.left_to, e.remaining_memory,"
    " (SELECT COUNT(*) FROM profile p WHERE p.eid=e.eid),"
    " (SELECT MAX(p.iccid) FROM profile p WHERE p.eid=e.eid AND p.state=?3),"
    " (SELECT COUNT(*) FROM operation o WHERE o.eid=e.eid) FROM euicc e WHERE e.eid>?1"
    " AND (?2='' OR EXISTS (SELECT 1 FROM profile p WHERE p.eid=e.eid AND p.mno=?2)) ORDER BY e.eid LIMIT 200",
    NULL
};
/* (EID or empty: all, requester or empty: all, after: EID and number) */
const struct statement SMSR_OPERATION_PAGE = {
    "operation-page",
    "SELECT eid, n, procedure, step, function, requester, call_id, iccid, peer, started_ms, deadline_ms FROM operation"
    " WHERE (?1='' OR eid=?1) AND (?2='' OR requester=?2) AND (eid>?3 OR (eid=?3 AND n>?4)) ORDER BY eid, n LIMIT 200",
    NULL
};
const struct statement SMSR_EXCHANGE_LOOK = {
    "exchange-look",
    "SELECT n, operation, purpose, bearer, state, tries, next_ms, destination FROM exchange WHERE eid=?1 ORDER BY n", NULL
};
const struct statement SMSR_FIGURES = {
    "figures", "SELECT (SELECT COUNT(*) FROM euicc WHERE coming=?1), (SELECT COUNT(*) FROM operation)", NULL
};

const struct statement SMSR_PLMA_PUT = { "plma-put",
                                         "INSERT INTO plma (mno, type, sp, operations) VALUES (?1,?2,?3,?4)"
                                         " ON CONFLICT (mno, type, sp) DO UPDATE SET operations=?4",
                                         NULL };
const struct statement SMSR_PLMA_DROP = { "plma-drop", "DELETE FROM plma WHERE mno=?1 AND type=?2 AND sp=?3", NULL };
const struct statement SMSR_PLMA_LIST = {
    "plma-list", "SELECT mno, type, sp, operations FROM plma WHERE mno=?1 OR sp=?1 ORDER BY mno, type, sp LIMIT 2000",
    NULL
};
const struct statement SMSR_PLMA_ALL = { "plma-all",
                                         "SELECT mno, type, sp, operations FROM plma ORDER BY mno, type, sp LIMIT 2000",
                                         NULL };
/* A row comes once for each profile it is for; DISTINCT would make a temporary table for every event. */
const struct statement SMSR_PLMA_OF_EUICC = {
    "plma-of-euicc",
    "SELECT a.mno, a.type, a.sp, a.operations FROM profile p JOIN plma a ON a.mno=p.mno AND a.type=p.type"
    " WHERE p.eid=?1 LIMIT 1000",
    NULL
};
const struct statement SMSR_PLMA_OF_PROFILE = {
    "plma-of-profile", "SELECT mno, type, sp, operations FROM plma WHERE mno=?1 AND type=?2 ORDER BY sp LIMIT 1000", NULL
};
const struct statement SMSR_ONC_PUT = { "onc-put",
                                        "INSERT INTO onc (mno, type, discarded) VALUES (?1,?2,?3)"
                                        " ON CONFLICT (mno, type) DO UPDATE SET discarded=?3",
                                        NULL };
const struct statement SMSR_ONC_DROP = { "onc-drop", "DELETE FROM onc WHERE mno=?1 AND type=?2", NULL };
const struct statement SMSR_ONC_LIST = { "onc-list",
                                         "SELECT mno, type, discarded FROM onc ORDER BY mno, type LIMIT 2000", NULL };
const struct statement SMSR_ONC_OF_EUICC = { "onc-of-euicc",
                                             "SELECT o.mno, o.type, o.discarded FROM profile p JOIN onc o ON "
                                             "o.mno=p.mno AND o.type=p.type WHERE p.eid=?1"
                                             " LIMIT 1000",
                                             NULL };
const struct statement SMSR_TYPE_OF_ICCID = { "type-of-iccid", "SELECT mno, type FROM profile WHERE iccid=?1", NULL };
