#include "server.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cases.h"
#include "lab.h"
#include "tap.h"

static const struct server_group *const groups[] = { &server_functions_group, &server_ways_group, &server_es1_group, &server_read_group, &server_download_group, &server_switch_group, &server_policy_group, &server_rights_group,
                                                     &server_change_group, &server_binding_group, &server_robust_group };

static bool wanted(const struct server_case *c, const struct server_wish *wish)
{
    return (!wish->group || !strcmp(wish->group, c->def.group)) && (!wish->number || wish->number == c->def.number) &&
           !(wish->quick && c->waits) && !(wish->ideas && c->def.number > SERVER_IDEAS);
}

void server_list(FILE *out)
{
    char name[CASE_NAME_SIZE];
    for (size_t g = 0; g < ARRAY_LEN(groups); g++)
        for (size_t i = 0; i < groups[g]->count; i++)
            fprintf(out, "%s\n", case_name(&groups[g]->cases[i].def, name));
}

void server_example(FILE *out) { target_print_example(out); }

static void case_run(struct stage *s, const struct server_case *c, struct verdict_row *row)
{
    uint64_t began = now_ms();
    *row = (struct verdict_row){ .def = &c->def };
    if (s->tap)
        tap_forget(s->tap);
    row->verdict = stage_guard(s, c->run);
    snprintf(row->detail, sizeof row->detail, "%s", s->detail);
    if (s->tap)
        tap_lose(s->tap, false, false);
    memset(s->play, 0, sizeof s->play);
    s->invalid[0] = '\0';
    if (stage_guard(s, scene_restore) != VERDICT_PASS && row->verdict == VERDICT_PASS) {
        row->verdict = VERDICT_FAIL;
        snprintf(row->detail, sizeof row->detail, "afterwards: %.200s", s->detail);
    }
    stage_clear(s);
    row->ms = (uint32_t)(now_ms() - began);
}

static void run_all(struct stage *s, const struct server_wish *wish, struct verdict_row *rows, size_t *count)
{
    static const char *const words[] = { "pass", "FAIL", "skip" };
    for (size_t g = 0; g < ARRAY_LEN(groups); g++)
        for (size_t i = 0; i < groups[g]->count && *count < SERVER_CASES_MAX; i++) {
            const struct server_case *c = &groups[g]->cases[i];
            if (!wanted(c, wish))
                continue;
            struct verdict_row *row = &rows[(*count)++];
            case_run(s, c, row);
            if (wish->progress)
                fprintf(stderr, "%s  %3u %s  %s\n", words[row->verdict], c->def.number, c->def.name,
                        row->verdict == VERDICT_PASS ? "" : row->detail);
        }
}

static bool run_target(const struct server_wish *wish, const char *file, struct lab *lab, struct verdict_row *rows,
                       size_t *ret_count, char *detail)
{
    struct stage *s;
    enum err err = stage_new(file, &s, detail);
    if (err != ERR_NONE) {
        if (!*detail)
            snprintf(detail, BED_DETAIL_MAX, "%.150s: %s", file, err_text(err));
        return false;
    }
    s->lab = lab;
    bool good = !lab || stage_guard(s, lab_up) == VERDICT_PASS;
    if (good)
        good = stage_guard(s, scene_open) == VERDICT_PASS;
    snprintf(detail, BED_DETAIL_MAX, "%s", good ? "" : s->detail);
    stage_clear(s);
    if (good)
        run_all(s, wish, rows, ret_count);
    lab_free(lab);
    stage_free(s);
    return good;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static bool run_lab(const struct server_wish *wish, struct verdict_row *rows, size_t *ret_count, char *detail)
{
    char folder[] = "/tmp/osprey-conform-XXXXXX", why[LAB_DETAIL_MAX] = "";
    const char *where = wish->keep ? wish->keep : mkdtemp(folder);
    struct lab *lab;
    if (!where || lab_new(where, &lab, why) != ERR_NONE) {
        snprintf(detail, BED_DETAIL_MAX, "the lab cannot be made: %.200s", why);
        return false;
    }
    bool good = run_target(wish, lab_target(lab), lab, rows, ret_count, detail);
    if (!wish->keep && good)
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    else if (!good)
        snprintf(detail + strlen(detail), BED_DETAIL_MAX - strlen(detail), " (see %s/logs)", where);
    return good;
}

bool server_run(const struct server_wish *wish, struct verdict_row *rows, size_t *ret_count, char *detail)
{
    *ret_count = 0;
    *detail = '\0';
    return strcmp(wish->target, "lab") ? run_target(wish, wish->target, NULL, rows, ret_count, detail)
                                       : run_lab(wish, rows, ret_count, detail);
}
