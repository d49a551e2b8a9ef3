/* lib/profile/lint_private.h: what the rules of lint work on. */
#ifndef OSPREY_PROFILE_LINT_PRIVATE_H
#define OSPREY_PROFILE_LINT_PRIVATE_H

#include "file_body.h"
#include "lint.h"

#define LINT_ELEMENTS_MAX 512u
#define LINT_FILES_MAX    2048u
#define LINT_PINS_MAX     256u
#define LINT_NONE         0xFFFFu

struct lint_file {
    uint16_t parent; /* LINT_NONE: the MF */
    struct file_spec spec;
    uint8_t *body;
    size_t element;
    const char *name; /* member name, or "file" */
};

struct lint_pin {
    uint16_t context;
    uint32_t reference; /* 0: shared, with */
    uint16_t with;
};

struct lint_element {
    struct profile_element pe;
    uint32_t offset;
    uint16_t context; /* the DF its PINs would belong to, after this element */
    uint16_t adf;     /* the ADF created last, after this element */
};

struct lint {
    struct lint_sink *sink;
    struct arena *a;
    bool failed;
    struct lint_element elements[LINT_ELEMENTS_MAX];
    size_t count;
    struct lint_file *files;
    size_t file_count;
    struct lint_pin pins[LINT_PINS_MAX];
    size_t pin_count;
    uint16_t adf[3]; /* USIM, ISIM, CSIM: the latest */
    uint16_t last_adf, context;
};

void lint_say(struct lint *l, enum lint_level level, size_t element, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void lint_tree(struct lint *l);  /* lint_tree.c: builds the files, checks each */
void lint_rules(struct lint *l); /* lint_rules.c: everything that spans elements */
uint16_t lint_child(const struct lint *l, uint16_t df, uint16_t fid);
uint16_t lint_path(const struct lint *l, struct span path);

#endif
