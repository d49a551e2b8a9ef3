/* operator/codes.c: what is not confirmed about SGP.02, as the servers decide it. */
#include <jansson.h>
#include <stdio.h>

#include "lib/model/unconfirmed.h"
#include "commands.h"

static struct status status_of(const struct unconfirmed_code *c) { return status_failed(c->reason, "", "%s", ""); }

static json_t *row_add(json_t *list, const char *name, const char *place, const char *meaning)
{
    json_t *o = json_pack("{s:s, s:s, s:s}", "name", name, "fact_book", place, "meaning", meaning);
    json_array_append_new(list, o);
    return o;
}

static void print_json(void)
{
    json_t *codes = json_array(), *choices = json_array();
    for (size_t i = 0; i < unconfirmed_code_count; i++) {
        const struct unconfirmed_code *c = &unconfirmed_codes[i];
        struct status st = status_of(c);
        json_t *row = row_add(codes, reason_name(c->reason), c->place, c->meaning);
        json_object_set_new(row, "subject", json_string(st.subject));
        json_object_set_new(row, "reason", json_string(st.code));
    }
    for (size_t i = 0; i < unconfirmed_choice_count; i++) {
        const struct unconfirmed_choice *c = &unconfirmed_choices[i];
        json_t *row = row_add(choices, c->name, c->place, c->meaning);
        json_object_set_new(row, "value", json_integer(c->value));
        json_object_set_new(row, "option", json_string(c->option));
    }
    json_t *all = json_pack("{s:o, s:o}", "codes", codes, "choices", choices);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

enum op_exit op_codes(struct op_session *s, const struct op_arguments *a)
{
    (void)a;
    if (s->json) {
        print_json();
        return OP_OK;
    }
    printf("Statuses that are not confirmed. [partner NAME] code.STATUS = SUBJECT/REASON gives a partner other numbers,\n"
           "for any status (`osprey status` lists them all).\n");
    for (size_t i = 0; i < unconfirmed_code_count; i++) {
        struct status st = status_of(&unconfirmed_codes[i]);
        char pair[2 * STATUS_CODE_MAX];
        snprintf(pair, sizeof pair, "%s/%s", st.subject, st.code);
        printf("  %-22s %-10s %s\n", reason_name(st.reason), pair, unconfirmed_codes[i].meaning);
    }
    printf("\nDecisions, and the option of [partner NAME] that changes them where partners may differ.\n");
    for (size_t i = 0; i < unconfirmed_choice_count; i++)
        printf("  %-24s %-8u %-15s %s\n", unconfirmed_choices[i].name, unconfirmed_choices[i].value,
               unconfirmed_choices[i].option, unconfirmed_choices[i].meaning);
    return OP_OK;
}
