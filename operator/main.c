/* osprey: the operator's command line, and the front door to all other programs. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands.h"
#include "lib/base/version.h"
#include "lib/base/world.h"
#include "lib/es/eum_signature.h"

static int help(FILE *out, int code)
{
    fputs("osprey: remote provisioning of M2M eUICCs (GSMA SGP.02), the operator's side\n\n", out);
    for (size_t i = 0; i < op_command_count; i++) {
        const struct op_command *c = &op_commands[i];
        char name[40];
        snprintf(name, sizeof name, "%s %s", c->noun, c->verb ? c->verb : "");
        fprintf(out, "  osprey %-21s %s\n", name, c->summary);
    }
    fputs("\n"
          "  osprey NAME …             runs osprey-NAME: sm-sr, sm-dp, euicc, device, eum, smsc, hlr, conform, wsdl\n"
          "                            (`osprey eum register …` brings new eUICCs to their SM-SR)\n"
          "  osprey COMMAND --help     options, an example, and what the exit codes mean\n"
          "\n"
          "First steps: `osprey config example > osprey.conf`, fill in the partners, `osprey config check`, and\n"
          "`osprey eis show --eid …`. Commands that take their time (download, enable, …) wait for the answer, which\n"
          "the partner sends to [operator] listen. With --explain you see every message, with --dry-run the one that\n"
          "would leave. `osprey partner test NAME` finds what is wrong with a connection, `osprey status 8.2.3/3.8`\n"
          "explains a code, and `source <(osprey completion bash)` completes all of this.\n",
          out);
    return code;
}

/* As git does it: beside ourselves first, then along PATH. Returns only when there is no such program. */
static void run_other(const char *name, char **argv)
{
    char self[4000], path[4096 + 64];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (strchr(name, '/'))
        return;
    if (len > 0) {
        self[len] = '\0';
        char *slash = strrchr(self, '/');
        snprintf(path, sizeof path, "%.*s/osprey-%s", (int)(slash ? slash - self : 0), self, name);
        execv(path, argv);
    }
    snprintf(path, sizeof path, "osprey-%s", name);
    execvp(path, argv);
}

static const struct op_command *find(int argc, char **argv, int *ret_words, bool *ret_noun)
{
    for (size_t i = 0; i < op_command_count; i++) {
        const struct op_command *c = &op_commands[i];
        if (strcmp(c->noun, argv[1]) != 0)
            continue;
        *ret_noun = true;
        *ret_words = c->verb ? 3 : 2;
        if (!c->verb || (argc > 2 && !strcmp(c->verb, argv[2])))
            return c;
    }
    return NULL;
}

static int noun_help(const char *noun, const char *verb, FILE *out, int code)
{
    if (verb)
        fprintf(out, "osprey: %s %s is no command; with %s there are\n", noun, verb, noun);
    for (size_t i = 0; i < op_command_count; i++)
        if (!strcmp(op_commands[i].noun, noun))
            fprintf(out, "  osprey %s %-13s %s\n", noun, op_commands[i].verb ? op_commands[i].verb : "",
                    op_commands[i].summary);
    if (!strcmp(noun, "profile") || !strcmp(noun, "sm-sr"))
        fprintf(out, "(osprey-%s is a program of its own)\n", noun);
    return code;
}

int main(int argc, char **argv)
{
    int words = 0;
    bool noun = false;
    world_forbid_dumps();
    if (argc < 2)
        return help(stderr, OP_USAGE);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return help(stdout, OP_OK);
    if (!strcmp(argv[1], "--version")) {
        printf("osprey %s\n", osprey_version);
        return OP_OK;
    }
    const struct op_command *c = find(argc, argv, &words, &noun);
    if (c)
        return op_command_run(c, argc - words, argv + words);
    bool asks = argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h"));
    if (*argv[1] != '-' && (!noun || (argc > 2 && argv[2][0] == '-' && !asks)))
        run_other(argv[1], argv + 1);
    if (noun)
        return noun_help(argv[1], asks || argc == 2 ? NULL : argv[2], asks ? stdout : stderr, asks ? OP_OK : OP_USAGE);
    if (*argv[1] == '-')
        fprintf(stderr, "osprey: %s: options stand behind the command, as in `osprey eis show %s …`\n", argv[1], argv[1]);
    else
        fprintf(stderr, "osprey: %s: no such command, and no program osprey-%s\n", argv[1], argv[1]);
    fputs("(osprey --help lists the commands)\n", stderr);
    return OP_USAGE;
}
