/* lib/codec/der.h: ASN.1 types as tables of members. The decoder, the encoder and whoever shows or compares values walk
 * the same table, so they cannot drift apart. Distinguished encoding with implicit tags, as in X.690 and the eUICC
 * profile package; explicitly encoded defaults and longer length forms are accepted, the encoder writes canonical DER.
 *
 * In C a type is a struct; each member of the table fills one field of it:
 *   DER_OCTETS    struct span, pointing into the input; .ptr NULL when absent and there is no default
 *   DER_UINT      uint32_t, 0 … 2^31-1; DER_ABSENT when absent and there is no default
 *   DER_FLAG      bool: an ASN.1 NULL that is there or not
 *   DER_INLINE    a nested struct, mandatory, inside this one
 *   DER_SEQUENCE  pointer to a nested struct in the arena, NULL when absent
 *   DER_LIST      DER_LIST_OF(T): SEQUENCE OF T; items NULL and count 0 when absent. With item type NULL T is struct
 * span. DER_MEMBERS   DER_LIST_OF(T) of all further members of this SEQUENCE, whatever their tags (ascending); T begins
 * with uint32_t tag
 */
#ifndef OSPREY_CODEC_DER_H
#define OSPREY_CODEC_DER_H

#include "ber_tlv.h"

#define DER_ABSENT      UINT32_MAX
#define DER_MEMBERS_MAX 64u /* members of one table */
#define DER_UINT31_MAX  0x7FFFFFFFu

#define DER_LIST_OF(T)                                                                                                 \
    struct {                                                                                                           \
        T *items;                                                                                                      \
        size_t count;                                                                                                  \
    }
struct der_any_list {
    void *items;
    size_t count;
};

enum der_kind { DER_OCTETS, DER_UINT, DER_FLAG, DER_INLINE, DER_SEQUENCE, DER_LIST, DER_MEMBERS };

struct der_type;

struct der_field {
    const char *name; /* the ASN.1 name */
    uint32_t tag;
    enum der_kind kind;
    bool optional;
    uint16_t offset;             /* of the field in the struct */
    uint32_t min, max;           /* octets, value or items */
    const struct der_type *type; /* INLINE, SEQUENCE; LIST and MEMBERS: of one item, NULL for octet strings */
    uint32_t item_tag;           /* LIST: tag of each item; 0 when the item type is a CHOICE */
    uint32_t absent;             /* UINT: the default, or DER_ABSENT */
    struct span absent_octets;   /* OCTETS: the default */
};

struct der_type {
    const char *name;
    size_t size; /* of the struct */
    const struct der_field *fields;
    size_t count;
    bool choice;                          /* exactly one of the members */
    bool any_order;                       /* members are accepted in any order */
    bool sequence_of;                     /* the type is the list that its only field tells of, not a SEQUENCE */
    enum err (*check)(const void *value); /* rules the members alone do not tell; may be NULL */
};

#define DER_AT(T, member) (uint16_t) offsetof(T, member)
#define DER_TYPE_WITH(T, label, table, ...)                                                                            \
    {                                                                                                                  \
        .name = label, .size = sizeof(T), .fields = table, .count = ARRAY_LEN(table), __VA_ARGS__                      \
    }
#define DER_TYPE(T, label, table) DER_TYPE_WITH(T, label, table, .check = NULL)
#define DER_OCT(T, m, label, t, lo, hi)                                                                                \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_OCTETS, .offset = DER_AT(T, m), .min = lo, .max = hi                      \
    }
#define DER_OCT_OPT(T, m, label, t, lo, hi)                                                                            \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_OCTETS, .optional = true, .offset = DER_AT(T, m), .min = lo, .max = hi    \
    }
#define DER_OCT_DEF(T, m, label, t, lo, hi, text)                                                                      \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_OCTETS, .optional = true, .offset = DER_AT(T, m), .min = lo, .max = hi,   \
        .absent_octets = {                                                                                             \
            (const uint8_t *)(text),                                                                                   \
            sizeof(text) - 1                                                                                           \
        }                                                                                                              \
    }
#define DER_NUM(T, m, label, t, lo, hi)                                                                                \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_UINT, .offset = DER_AT(T, m), .min = lo, .max = hi, .absent = DER_ABSENT  \
    }
#define DER_NUM_OPT(T, m, label, t, lo, hi)                                                                            \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_UINT, .optional = true, .offset = DER_AT(T, m), .min = lo, .max = hi,     \
        .absent = DER_ABSENT                                                                                           \
    }
#define DER_NUM_DEF(T, m, label, t, lo, hi, value)                                                                     \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_UINT, .optional = true, .offset = DER_AT(T, m), .min = lo, .max = hi,     \
        .absent = value                                                                                                \
    }
#define DER_NULL(T, m, label, t)                                                                                       \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_FLAG, .optional = true, .offset = DER_AT(T, m)                            \
    }
#define DER_IN(T, m, label, t, of)                                                                                     \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_INLINE, .offset = DER_AT(T, m), .type = of                                \
    }
#define DER_SEQ(T, m, label, t, of)                                                                                    \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_SEQUENCE, .offset = DER_AT(T, m), .type = of                              \
    }
#define DER_SEQ_OPT(T, m, label, t, of)                                                                                \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_SEQUENCE, .optional = true, .offset = DER_AT(T, m), .type = of            \
    }
#define DER_MANY(T, m, label, t, lo, hi, item, of)                                                                     \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_LIST, .offset = DER_AT(T, m), .min = lo, .max = hi, .item_tag = item,     \
        .type = of                                                                                                     \
    }
#define DER_MANY_OPT(T, m, label, t, lo, hi, item, of)                                                                 \
    {                                                                                                                  \
        .name = label, .tag = t, .kind = DER_LIST, .optional = true, .offset = DER_AT(T, m), .min = lo, .max = hi,     \
        .item_tag = item, .type = of                                                                                   \
    }
#define DER_REST(T, m, hi, of)                                                                                         \
    {                                                                                                                  \
        .name = "", .kind = DER_MEMBERS, .optional = true, .offset = DER_AT(T, m), .max = hi, .type = of               \
    }

/* A decoding run: where memory comes from and, afterwards, what was found wrong and where. */
struct der {
    struct arena *arena;
    const char *type, *member; /* what the fault is in; NULL when there was none */
    const uint8_t *at;         /* the octet in the input where the faulty member begins */
    uint32_t unknown_tag;      /* the first member that no table knows (it was left out), or 0 */
    const uint8_t *unknown_at;
};

/* Decodes the value octets (no tag, no length) of a type. ret: a struct of that type; filled whole, or zeroed when it
 * fails. The spans in it point into value. Errors: as the bytes are; ERR_NO_SPACE when the arena is full. */
MUST_USE enum err der_decode(struct der *d, const struct der_type *type, struct span value, void *ret);

/* Appends the members of value, canonical, without an outer tag. Errors stick in w. */
void der_encode(struct writer *w, const struct der_type *type, const void *value);

/* Field access for generic walkers: the place of a field in its struct. */
static inline const void *der_field_at(const void *value, const struct der_field *f)
{
    return (const uint8_t *)value + f->offset;
}
/* Is it there, and not just as the default? */
bool der_present(const void *value, const struct der_field *f);

void wr_der_uint(struct writer *w, uint32_t tag, uint32_t v);
MUST_USE enum err der_uint(struct span content, uint32_t *ret);

#endif
