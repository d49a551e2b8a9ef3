/* operator/help.c: what explains itself: commands, status codes, completion. */
#include <stdio.h>

#include "commands.h"
#include "show.h"
#include "words.h"

void op_command_help(const struct op_command *c)
{
    printf("osprey %s%s%s: %s\n\n", c->noun, c->verb ? " " : "", c->verb ? c->verb : "", c->summary);
    printf("  %s\n\n", c->example);
    op_arguments_help(stdout, c->allowed, c->required);
    if (c->via_smdp && c->via_smsr)
        printf("\nWorks through an SM-DP (%s.%s, SGP.02 §%s) and through the SM-SR (%s.%s, §%s): --via says which.\n",
               es_function_info(c->via_smdp)->interface, es_function_info(c->via_smdp)->name,
               es_function_info(c->via_smdp)->section, es_function_info(c->via_smsr)->interface,
               es_function_info(c->via_smsr)->name, es_function_info(c->via_smsr)->section);
    if (c->fill)
        printf("\nEnds with 0: done; 3: done with a warning; 4: failed; 5: expired; 6: no answer in time;\n"
               "7: partner not reached, or it does not let us in; 8: message refused; 2: wrong options; 1: a fault on our side.\n");
}

/* --- status codes ---------------------------------------------------------------------------------------------- */

/* What may be done about a pair that is not in our table: its group says at least that. */
static const char *group_advice(const char *code)
{
    switch (*code) {
    case '1':
        return "a question of rights: check OIDs, certificates and roles with the partner";
    case '2':
        return "a question of form: check the message (--explain shows it)";
    case '3':
        return "the present state does not allow it: look at it with `osprey eis show`";
    case '4':
        return "it was tried and failed: audit the eUICC, then repeat";
    case '5':
        return "it did not get through: check coverage and connections, then repeat";
    case '6':
        return "a certificate or signature: check dates and roots";
    default:
        return "ask the partner";
    }
}

static void print_code(const struct op_session *s, const struct status *st)
{
    bool known = st->reason != REASON_FOREIGN;
    if (s->json) {
        op_show_status_json(st, known ? reason_advice(st->reason) : group_advice(st->code));
        return;
    }
    printf("%s/%s  %s: %s\n", st->subject, st->code, op_subject_words(st->subject), op_reason_words(st->code));
    if (known)
        op_show_reasons(stdout, "what", st->reason, reason_text);
    if (known)
        op_show_reasons(stdout, "next", st->reason, reason_advice);
    else
        printf("  next     %s\n", group_advice(st->code));
}

/* All, or those about one subject ("8.2.3"), or of one name. */
static enum op_exit list_codes(const struct op_session *s, const char *word)
{
    unsigned count = 0;
    for (int i = REASON_NONE + 1; i < REASON_FOREIGN; i++) {
        struct status st = status_failed((enum reason)i, "", "%s", "");
        if (word && strcmp(word, st.subject) != 0 && strcmp(word, reason_name((enum reason)i)) != 0)
            continue;
        count++;
        if (s->json)
            print_code(s, &st);
        else
            printf("%-7s %-5s %-22s %s\n", st.subject, st.code, reason_name((enum reason)i), reason_text((enum reason)i));
    }
    if (!count)
        fprintf(stderr, "osprey: %s: a status is SUBJECT/REASON, like 8.2.3/3.8; or give a subject, or a name of the list\n", word);
    return count ? OP_OK : OP_USAGE;
}

enum op_exit op_status(struct op_session *s, const struct op_arguments *a)
{
    struct span word = span_text(a->word ? a->word : "");
    size_t slash = strcspn(a->word ? a->word : "", "/");
    if (slash == word.len)
        return list_codes(s, word.len ? a->word : NULL);
    if (slash == 0 || slash + 1 >= word.len || slash >= STATUS_CODE_MAX || word.len - slash > STATUS_CODE_MAX ||
        strspn(a->word, "0123456789./") != word.len) {
        fprintf(stderr, "osprey: a status is SUBJECT/REASON, like 8.2.3/3.8\n");
        return OP_USAGE;
    }
    struct status st = status_from_codes(EXECUTED_FAILED, span_sub(word, 0, slash), span_from(word, slash + 1),
                                         SPAN_NONE, SPAN_NONE);
    print_code(s, &st);
    return OP_OK;
}

/* --- completion ------------------------------------------------------------------------------------------------ */

static bool first_of_noun(size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (!strcmp(op_commands[i].noun, op_commands[at].noun))
            return false;
    return true;
}

static void print_verbs(const char *noun)
{
    for (size_t i = 0; i < op_command_count; i++)
        if (!strcmp(op_commands[i].noun, noun) && op_commands[i].verb)
            printf(" %s", op_commands[i].verb);
}

static void print_options(const struct op_command *c)
{
    printf("    \"%s %s\") words=\"", c->noun, c->verb ? c->verb : "");
    for (int i = 0; i < OPT_WORD; i++)
        if (c->allowed >> i & 1)
            printf("--%s ", op_option_name((enum op_option)i));
    printf("\" ;;\n");
}

enum op_exit op_completion(struct op_session *s, const struct op_arguments *a)
{
    (void)s;
    if (a->word && strcmp(a->word, "bash")) {
        fprintf(stderr, "osprey: only bash is known\n");
        return OP_USAGE;
    }
    printf("# source <(osprey completion bash)\n_osprey() {\n"
           "  local words= current=\"${COMP_WORDS[COMP_CWORD]}\" noun=\"${COMP_WORDS[1]}\" verb=\"${COMP_WORDS[2]}\"\n"
           "  if [ \"$COMP_CWORD\" = 1 ]; then words=\"");
    for (size_t i = 0; i < op_command_count; i++)
        if (first_of_noun(i))
            printf("%s ", op_commands[i].noun);
    printf("sm-sr sm-dp euicc device eum smsc hlr conform wsdl help\"\n  elif [ \"$COMP_CWORD\" = 2 ]; then case \"$noun\" in\n");
    for (size_t i = 0; i < op_command_count; i++)
        if (first_of_noun(i) && op_commands[i].verb) {
            printf("    %s) words=\"", op_commands[i].noun);
            print_verbs(op_commands[i].noun);
            printf("\" ;;\n");
        }
    printf("    esac\n  fi\n  case \"$current\" in -*)\n    case \"$noun $verb\" in -*|*\" -\"*) verb= ;; esac\n"
           "    case \"$noun $verb\" in\n");
    for (size_t i = 0; i < op_command_count; i++)
        print_options(&op_commands[i]);
    printf("    esac ;;\n  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$current\"))\n}\ncomplete -F _osprey osprey\n");
    return OP_OK;
}
