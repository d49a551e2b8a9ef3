#include "pin.h"

#include "lib/codec/reader.h"

/* A PIN and its counter are one object, wrapped, written anew at every try. */
#define PIN_OBJECT_LEN 15u
#define PUK_OBJECT_LEN 11u

static object_key pin_key(uint8_t profile, fs_number context, uint8_t reference)
{
    return OBJECT_KEY(profile, OBJ_PIN, (uint32_t)context << 8 | reference);
}

static bool pin_reference_is_good(uint8_t r)
{
    uint8_t low = r & 0x7F;
    return (low >= 0x01 && low <= 0x08) || (low >= 0x0A && low <= 0x0E) || r == PIN_UNIVERSAL;
}

enum err pin_put(struct objects *store, uint8_t profile, fs_number context, const struct pin *pin)
{
    if (!pin_reference_is_good(pin->reference) || pin->tries_max == 0 || pin->tries_max > 15 ||
        pin->tries_left > pin->tries_max || context > FS_NUMBER_MAX)
        return ERR_BAD_VALUE;
    WRITER_ON_STACK(w, PIN_OBJECT_LEN);
    wr_u8(&w, pin->reference);
    wr_bytes(&w, SPAN_OF(pin->value));
    wr_u8(&w, pin->puk);
    wr_u8(&w, pin->attributes);
    wr_u8(&w, pin->tries_max);
    wr_u8(&w, pin->tries_left);
    wr_u8(&w, pin->replaced);
    enum err err = objects_put_secret(store, pin_key(profile, context, pin->reference), wr_span(&w));
    wipe(w_memory, sizeof w_memory);
    return err;
}

enum err puk_put(struct objects *store, uint8_t profile, const struct puk *puk)
{
    uint8_t low = puk->reference & 0x7F;
    if (low < 1 || low > 8 || puk->tries_max == 0 || puk->tries_max > 15 || puk->tries_left > puk->tries_max)
        return ERR_BAD_VALUE;
    WRITER_ON_STACK(w, PUK_OBJECT_LEN);
    wr_u8(&w, puk->reference);
    wr_bytes(&w, SPAN_OF(puk->value));
    wr_u8(&w, puk->tries_max);
    wr_u8(&w, puk->tries_left);
    enum err err = objects_put_secret(store, OBJECT_KEY(profile, OBJ_PUK, puk->reference), wr_span(&w));
    wipe(w_memory, sizeof w_memory);
    return err;
}

enum err pin_share(struct objects *store, uint8_t profile, fs_number context, fs_number with)
{
    uint8_t bytes[2] = { (uint8_t)(with >> 8), (uint8_t)with };
    return objects_put(store, OBJECT_KEY(profile, OBJ_PIN_SHARE, context), SPAN_OF(bytes));
}

/* The DF whose PINs this one uses. */
static fs_number shared_with(const struct fs *fs, fs_number df)
{
    uint8_t bytes[2];
    if (objects_read(fs->store, OBJECT_KEY(fs->profile, OBJ_PIN_SHARE, df), 0, bytes, sizeof bytes) != ERR_NONE)
        return df;
    return (fs_number)(bytes[0] << 8 | bytes[1]);
}

fs_number pin_context(const struct fs *fs, fs_number df, uint8_t reference)
{
    if (pin_is_global(reference))
        return objects_has(fs->store, pin_key(fs->profile, FS_MF, reference)) ? FS_MF : FS_NONE;
    for (unsigned depth = 0; depth <= FS_PATH_DEPTH_MAX && df != FS_NONE; depth++) {
        fs_number holder = shared_with(fs, df);
        if (objects_has(fs->store, pin_key(fs->profile, holder, reference)))
            return holder;
        if (df == FS_MF)
            break;
        df = fs_parent(fs, df);
    }
    return FS_NONE;
}

enum err pin_get(const struct objects *store, uint8_t profile, fs_number context, uint8_t reference, struct pin *ret)
{
    uint8_t bytes[PIN_OBJECT_LEN];
    size_t len;
    enum err err = objects_read_secret(store, pin_key(profile, context, reference), bytes, sizeof bytes, &len);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of((struct span){ bytes, len });
    ret->reference = rd_u8(&r);
    rd_copy(&r, ret->value, sizeof ret->value);
    ret->puk = rd_u8(&r);
    ret->attributes = rd_u8(&r);
    ret->tries_max = rd_u8(&r);
    ret->tries_left = rd_u8(&r);
    ret->replaced = rd_u8(&r) != 0;
    wipe(bytes, sizeof bytes);
    return r.err;
}

enum err puk_get(const struct objects *store, uint8_t profile, uint8_t reference, struct puk *ret)
{
    uint8_t bytes[PUK_OBJECT_LEN];
    size_t len;
    enum err err = objects_read_secret(store, OBJECT_KEY(profile, OBJ_PUK, reference), bytes, sizeof bytes, &len);
    if (err != ERR_NONE)
        return err;
    struct reader r = rd_of((struct span){ bytes, len });
    ret->reference = rd_u8(&r);
    rd_copy(&r, ret->value, sizeof ret->value);
    ret->tries_max = rd_u8(&r);
    ret->tries_left = rd_u8(&r);
    wipe(bytes, sizeof bytes);
    return r.err;
}
