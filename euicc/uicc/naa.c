#include "naa.h"

#include "lib/codec/reader.h"

#define NAA_OBJECT_MAX 192u
#define SQN_OBJECT_LEN (4u + NAA_SQN_COUNT * 6u) /* uses, then SEQ by IND */

/* What may move at an authentication. */
struct naa_state {
    uint32_t uses;
    uint64_t seq[NAA_SQN_COUNT];
};

/* ---- storing ---- */

static void wr_u48(struct writer *w, uint64_t v)
{
    wr_u8(w, (uint8_t)(v >> 40));
    wr_u40(w, v & 0xFFFFFFFFFFull);
}

static uint64_t rd_u48(struct reader *r)
{
    uint64_t high = rd_u8(r);
    return high << 40 | rd_u40(r);
}

static void naa_write(struct writer *w, const struct naa *n)
{
    wr_u16(w, n->mapped_to);
    wr_u8(w, n->algorithm);
    wr_u8(w, n->keccak_iterations);
    wr_u8(w, n->res_len);
    wr_u8(w, n->sqn_options);
    wr_u48(w, n->sqn_delta);
    wr_u48(w, n->sqn_age_limit);
    wr_u32(w, n->uses_max);
    wr_u8(w, n->k_len);
    wr_bytes(w, (struct span){ n->k, n->k_len });
    wr_u8(w, n->opc_len);
    wr_bytes(w, (struct span){ n->opc, n->opc_len });
    if (n->algorithm != AKA_MILENAGE)
        return;
    wr_bytes(w, SPAN_OF(n->r));
    wr_bytes(w, (struct span){ n->c[0], sizeof n->c });
}

static enum err naa_read(struct span bytes, struct naa *n)
{
    struct reader r = rd_of(bytes);
    *n = (struct naa){ .mapped_to = rd_u16(&r) };
    n->algorithm = rd_u8(&r);
    n->keccak_iterations = rd_u8(&r);
    n->res_len = rd_u8(&r);
    n->sqn_options = rd_u8(&r);
    n->sqn_delta = rd_u48(&r);
    n->sqn_age_limit = rd_u48(&r);
    n->uses_max = rd_u32(&r);
    n->k_len = rd_u8(&r);
    if (n->k_len > sizeof n->k)
        return ERR_VERIFY;
    rd_copy(&r, n->k, n->k_len);
    n->opc_len = rd_u8(&r);
    if (n->opc_len > sizeof n->opc)
        return ERR_VERIFY;
    rd_copy(&r, n->opc, n->opc_len);
    if (n->algorithm == AKA_MILENAGE) {
        rd_copy(&r, n->r, sizeof n->r);
        rd_copy(&r, n->c[0], sizeof n->c);
    }
    return rd_finish(&r);
}

static bool all_zero(const void *bytes, size_t len)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < len; i++)
        if (b[i])
            return false;
    return true;
}

/* The algorithm with this NAA's keys and constants. */
static enum err naa_algorithm(const struct naa *n, struct aka *ret)
{
    enum err err = aka_init(ret, (enum aka_algorithm)n->algorithm, (struct span){ n->k, n->k_len },
                            (struct span){ n->opc, n->opc_len }, n->keccak_iterations);
    if (err != ERR_NONE)
        return err;
    if (n->algorithm == AKA_MILENAGE && !(all_zero(n->r, sizeof n->r) && all_zero(n->c, sizeof n->c))) {
        memcpy(ret->milenage.r, n->r, sizeof n->r);
        memcpy(ret->milenage.c, n->c, sizeof n->c);
    }
    if (n->algorithm == AKA_TUAK && n->res_len != 0)
        ret->tuak.res_len = n->res_len;
    return ERR_NONE;
}

static enum err state_put(struct objects *store, uint8_t profile, fs_number adf, const struct naa_state *s)
{
    WRITER_ON_STACK(w, SQN_OBJECT_LEN);
    wr_u32(&w, s->uses);
    for (unsigned i = 0; i < NAA_SQN_COUNT; i++)
        wr_u48(&w, s->seq[i]);
    return objects_put(store, OBJECT_KEY(profile, OBJ_NAA_SQN, adf), wr_span(&w));
}

static enum err state_get(const struct objects *store, uint8_t profile, fs_number adf, struct naa_state *ret)
{
    uint8_t bytes[SQN_OBJECT_LEN];
    enum err err = objects_read(store, OBJECT_KEY(profile, OBJ_NAA_SQN, adf), 0, bytes, sizeof bytes);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of(SPAN_OF(bytes));
    ret->uses = rd_u32(&r);
    for (unsigned i = 0; i < NAA_SQN_COUNT; i++)
        ret->seq[i] = rd_u48(&r);
    return ERR_NONE;
}

static enum err naa_check(const struct naa *n, const uint64_t *sqn)
{
    struct aka aka;
    if (n->k_len > sizeof n->k || n->opc_len > sizeof n->opc)
        return ERR_BAD_LENGTH;
    bool res_ok = n->res_len == 0 || n->res_len == 4 || n->res_len == 8 || n->res_len == 16;
    if (!res_ok || n->sqn_delta > NAA_SEQ_MAX || n->sqn_age_limit > NAA_SEQ_MAX)
        return ERR_BAD_VALUE;
    for (unsigned i = 0; sqn && i < NAA_SQN_COUNT; i++)
        if (sqn[i] > NAA_SEQ_MAX)
            return ERR_BAD_VALUE;
    enum err err = naa_algorithm(n, &aka);
    wipe(&aka, sizeof aka);
    return err;
}

enum err naa_put(struct objects *store, uint8_t profile, fs_number adf, const struct naa *naa,
                 const uint64_t sqn[NAA_SQN_COUNT])
{
    struct naa_state s = { 0 };
    enum err err = naa->mapped_to == FS_NONE ? naa_check(naa, sqn) : ERR_NONE;
    if (err != ERR_NONE)
        return err;
    if (sqn)
        memcpy(s.seq, sqn, sizeof s.seq);
    WRITER_ON_STACK(w, NAA_OBJECT_MAX);
    naa_write(&w, naa);
    err = objects_put_secret(store, OBJECT_KEY(profile, OBJ_NAA, adf), wr_span(&w));
    wipe(w_memory, sizeof w_memory);
    return err == ERR_NONE ? state_put(store, profile, adf, &s) : err;
}

enum err naa_get(const struct objects *store, uint8_t profile, fs_number adf, struct naa *ret)
{
    uint8_t bytes[NAA_OBJECT_MAX];
    size_t len;
    enum err err = objects_read_secret(store, OBJECT_KEY(profile, OBJ_NAA, adf), bytes, sizeof bytes, &len);
    if (err == ERR_NONE)
        err = naa_read((struct span){ bytes, len }, ret);
    wipe(bytes, sizeof bytes);
    return err;
}

/* ---- AKA ---- */

/* One run: whose keys, its state, and where the state goes back. */
struct run {
    struct objects *store;
    uint8_t profile;
    fs_number adf; /* mappings followed */
    struct naa naa;
    struct aka aka;
    struct naa_state state;
};

static enum naa_result run_start(struct run *run, struct objects *store, uint8_t profile, fs_number adf)
{
    *run = (struct run){ .store = store, .profile = profile, .adf = adf };
    for (unsigned hops = 0;; hops++) {
        enum err err = naa_get(store, profile, run->adf, &run->naa);
        if (err != ERR_NONE || hops > 4)
            return err == ERR_NOT_FOUND || hops > 4 ? NAA_NONE : NAA_ERROR;
        if (run->naa.mapped_to == FS_NONE)
            break;
        run->adf = run->naa.mapped_to;
    }
    if (state_get(store, profile, run->adf, &run->state) != ERR_NONE || naa_algorithm(&run->naa, &run->aka) != ERR_NONE)
        return NAA_ERROR;
    if (run->naa.uses_max != 0 && run->state.uses >= run->naa.uses_max)
        return NAA_BLOCKED;
    return NAA_OK;
}

static enum naa_result run_store(struct run *run)
{
    objects_begin(run->store);
    enum err err = state_put(run->store, run->profile, run->adf, &run->state);
    if (err != ERR_NONE) {
        objects_rollback(run->store);
        return NAA_ERROR;
    }
    return objects_commit(run->store) == ERR_NONE ? NAA_OK : NAA_ERROR;
}

static unsigned highest_index(const struct naa_state *s)
{
    unsigned best = 0;
    for (unsigned i = 1; i < NAA_SQN_COUNT; i++)
        if (s->seq[i] > s->seq[best])
            best = i;
    return best;
}

/* TS 33.102 annex C.2.1: fresh for its index, not too far ahead, not too old. */
static bool is_fresh(const struct run *run, uint64_t seq, unsigned ind)
{
    const struct naa *n = &run->naa;
    uint64_t highest = run->state.seq[highest_index(&run->state)];
    if ((n->sqn_options & NAA_SQN_DELTA) && seq > highest && seq - highest > n->sqn_delta)
        return false;
    if ((n->sqn_options & NAA_SQN_AGE_LIMIT) && seq < highest && highest - seq > n->sqn_age_limit)
        return false;
    return seq > run->state.seq[ind];
}

static void xor6(uint8_t out[6], const uint8_t a[6], const uint8_t b[6])
{
    for (unsigned i = 0; i < 6; i++)
        out[i] = a[i] ^ b[i];
}

/* AUTS = (SQN_MS xor AK*) || f1*(SQN_MS, AMF 0000). */
static enum naa_result make_auts(const struct run *run, const uint8_t rand[16], const uint8_t sqn_ms[6],
                                 struct naa_answer *ret)
{
    static const uint8_t amf[2] = { 0, 0 };
    uint8_t mac_a[8], mac_s[8];
    if (aka_f1(&run->aka, rand, sqn_ms, amf, mac_a, mac_s) != ERR_NONE)
        return NAA_ERROR;
    xor6(ret->auts, sqn_ms, ret->keys.ak_star);
    memcpy(ret->auts + 6, mac_s, 8);
    return NAA_SYNC_FAILURE;
}

static enum naa_result sync_failure(const struct run *run, const uint8_t rand[16], struct naa_answer *ret)
{
    unsigned ind = highest_index(&run->state);
    WRITER_ON_STACK(w, 6);
    wr_u48(&w, run->state.seq[ind] << 5 | ind);
    return make_auts(run, rand, w.buf, ret);
}

/* The test algorithm has no sequence numbers; AMF FFFF asks it for a resynchronisation (TS 34.108 §8.1.2.2 [?]). */
static enum naa_result test_freshness(const struct run *run, const uint8_t rand[16], const uint8_t sqn[6],
                                      const uint8_t amf[2], struct naa_answer *ret)
{
    return amf[0] == 0xFF && amf[1] == 0xFF ? make_auts(run, rand, sqn, ret) : NAA_OK;
}

static enum naa_result check_freshness(struct run *run, const uint8_t rand[16], const uint8_t sqn[6],
                                       struct naa_answer *ret)
{
    struct reader r = rd_of((struct span){ sqn, 6 });
    uint64_t number = rd_u48(&r);
    unsigned ind = number & 0x1F;
    if (!is_fresh(run, number >> 5, ind))
        return sync_failure(run, rand, ret);
    run->state.seq[ind] = number >> 5;
    return NAA_OK;
}

static enum naa_result run_aka(struct run *run, const uint8_t rand[16], const uint8_t autn[16], struct naa_answer *ret)
{
    uint8_t sqn[6], mac_a[8], mac_s[8];
    const uint8_t *amf = autn + 6;
    run->state.uses++;
    if (aka_f2345(&run->aka, rand, &ret->keys) != ERR_NONE)
        return NAA_ERROR;
    xor6(sqn, autn, ret->keys.ak);
    if (aka_f1(&run->aka, rand, sqn, amf, mac_a, mac_s) != ERR_NONE)
        return NAA_ERROR;
    if (!span_eq_ct(SPAN_OF(mac_a), (struct span){ autn + 8, 8 }))
        return NAA_MAC_FAILURE;
    if (run->naa.algorithm == AKA_XOR_TEST)
        return test_freshness(run, rand, sqn, amf, ret);
    return check_freshness(run, rand, sqn, ret);
}

/* The test algorithm's RES is cut to what the profile wants. */
static void cut_res(const struct run *run, struct naa_answer *ret)
{
    if (run->naa.algorithm == AKA_XOR_TEST && run->naa.res_len != 0)
        ret->keys.res_len = run->naa.res_len;
}

/* Nothing but the counters and sequence numbers moved; without them nothing needs to be written. */
static enum naa_result run_end(struct run *run, enum naa_result result)
{
    bool moved = run->naa.uses_max != 0 || (result == NAA_OK && run->naa.algorithm != AKA_XOR_TEST);
    if (result != NAA_ERROR && moved && run_store(run) != NAA_OK)
        result = NAA_ERROR;
    wipe(run, sizeof *run);
    return result;
}

enum naa_result naa_authenticate(struct objects *store, uint8_t profile, fs_number adf, const uint8_t rand[16],
                                 const uint8_t autn[16], struct naa_answer *ret)
{
    struct run run;
    enum naa_result result = run_start(&run, store, profile, adf);
    if (result != NAA_OK) {
        wipe(&run, sizeof run);
        return result;
    }
    result = run_aka(&run, rand, autn, ret);
    cut_res(&run, ret);
    return run_end(&run, result);
}

static enum naa_result run_gsm_end(struct run *run, enum naa_result result)
{
    enum naa_result stored = run->naa.uses_max != 0 && result == NAA_OK ? run_store(run) : NAA_OK;
    wipe(run, sizeof *run);
    return stored == NAA_OK ? result : stored;
}

enum naa_result naa_authenticate_gsm(struct objects *store, uint8_t profile, fs_number adf, const uint8_t rand[16],
                                     struct naa_answer *ret)
{
    struct run run;
    enum naa_result result = run_start(&run, store, profile, adf);
    if (result != NAA_OK) {
        wipe(&run, sizeof run);
        return result;
    }
    run.state.uses++;
    result = aka_f2345(&run.aka, rand, &ret->keys) == ERR_NONE ? NAA_OK : NAA_ERROR;
    cut_res(&run, ret);
    return run_gsm_end(&run, result);
}

void naa_answer_wipe(struct naa_answer *a) { wipe(a, sizeof *a); }
