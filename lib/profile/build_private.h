/* lib/profile/build_private.h: the inside of the builder. */
#ifndef OSPREY_PROFILE_BUILD_PRIVATE_H
#define OSPREY_PROFILE_BUILD_PRIVATE_H

#include "build.h"
#include "local_switch.h"
#include "multi_imsi.h"
#include "lib/codec/hex.h"
#include "template.h"

#define BUILD_RECORDS_MAX 254u
#define BUILD_OPTIONS_MAX 24u

struct build_records {
    struct span items[BUILD_RECORDS_MAX];
    size_t count;
};

struct build {
    struct arena *a;
    struct build_setting variables[BUILD_VARIABLES_MAX]; /* settings first: the first of a name counts */
    size_t variable_count;
    struct build_fault *fault;
    enum err err;
    unsigned line;
    struct profile_element elements[BUILD_ELEMENTS_MAX];
    size_t element_count;
    uint32_t services; /* what the elements use */
    struct build_section *section;
    struct build_records records; /* of the content in hand */
    uint8_t expanded[BUILD_LINE_MAX];
};

/* One line: word name=value name=value … = content. All spans are expanded text. */
struct build_line {
    struct span word;
    struct build_setting options[BUILD_OPTIONS_MAX];
    size_t option_count;
    bool has_content;
    struct span content;
};

void build_fail(struct build *b, enum err err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- build_text.c ---- */
struct span text_trim(struct span s);
bool text_is(struct span s, const char *word);
bool text_next_line(struct span *rest, struct span *ret_line); /* without its comment, trimmed */
/* {name} replaced, again and again. */
struct span build_expand(struct build *b, struct span text);
void build_split(struct build *b, struct span line, struct build_line *ret);
struct span build_option(const struct build_line *l, const char *name); /* .ptr NULL when absent */
struct span build_need(struct build *b, const struct build_line *l, const char *name);
/* hex, "text" and <tag …> after another; | ends a record. */
void build_evaluate(struct build *b, struct span text, struct build_records *ret);
struct span build_octets(struct build *b, struct span text); /* of one record */
uint32_t build_number(struct build *b, struct span text);    /* decimal, or 0x… */
struct span build_variable(const struct build *b, const char *name);

/* ---- build_values.c: variables that are made of others: {ef-iccid}, {ef-imsi} … ---- */
bool build_value(struct build *b, struct span name, struct span *ret_text);
struct span build_iccid(struct build *b);                 /* reading order, 10 octets */
struct span build_imsi(struct build *b, struct span digits); /* as in EF.IMSI */
struct span build_pin(struct build *b, struct span text); /* digits, or 16 hexadecimal digits */

#define LINES_MAX 128u
/* The section in hand: what its lines have made so far. */
struct build_section {
    enum pe_kind kind;
    const struct fs_template *template;
    uint32_t identification;
    struct pe_file files[LINES_MAX];
    struct file_commands commands[LINES_MAX];
    struct pin_configuration pins[PINS_MAX];
    struct puk_configuration puks[16];
    struct key_object keys[SD_KEYS_MAX];
    struct span data[SD_DATA_MAX], tars[RFM_TARS_MAX], sqn[SQN_INIT_COUNT];
    struct multi_imsi multi_imsi;
    struct local_switch local_switch;
    bool switches; /* the element is about local_switch */
    size_t file_count, command_count, pin_count, puk_count, key_count, data_count, tar_count;
};

/* ---- build_files.c ---- */
void build_take_file(struct build *b, const struct build_line *l);
void build_take_generic(struct build *b, const struct build_line *l);
struct span build_optional_octets(struct build *b, const struct build_line *l,
                                  const char *name); /* .ptr NULL: absent */

/* ---- build_elements.c ---- */
/* Takes a line of a section of this kind; begin makes the element. */
void build_begin(struct build *b, enum pe_kind kind);
void build_take(struct build *b, const struct build_line *l);
void build_finish(struct build *b);

#endif
