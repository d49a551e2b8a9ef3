/* osprey-profile: builds, shows and checks profile packages. */
#include <stdlib.h>
#include <unistd.h>

#include "dump.h"
#include "lib/base/version.h"
#include "lib/codec/hex.h"
#include "lib/crypto/milenage.h"
#include "lib/crypto/tuak.h"
#include "lib/profile/build.h"
#include "lib/profile/lint.h"

#define SETTINGS_MAX 64u
#define ARENA_MAX    ((size_t)32 * 1024 * 1024)

static const char usage[] =
    "osprey-profile builds, shows and checks profile packages (eUICC profile package: interoperable format)\n\n"
    "  osprey-profile build SOURCE [-o OUT.der] [--set NAME=VALUE]...   a package from its readable source\n"
    "  osprey-profile dump FILE [--secrets]                             a package as a tree\n"
    "  osprey-profile lint FILE...                                      every rule a package must keep\n\n"
    "  --set NAME=VALUE   overrides a variable of the source: iccid, imsi, k, opc (or op), algorithm, smsc, pol1, ...\n"
    "                     NAME=@FILE takes the value from a file, so that a key is not on the command line\n"
    "  -o FILE            where to write (default: standard output)\n"
    "  --secrets          show keys and PINs, too\n\n"
    "Exit status: 0 done, and nothing wrong; 1 the package or source is not in order; 2 wrong usage.\n";

struct options {
    const char *command, *out;
    const char *files[64];
    size_t file_count;
    bool secrets;
    struct build_setting settings[SETTINGS_MAX];
    size_t setting_count;
};

static bool read_file(const char *path, struct arena *a, struct span *ret)
{
    FILE *f = fopen(path, "rb");
    struct writer w = wr_arena(a, PACKAGE_MAX);
    if (f && w.err == ERR_NONE)
        w.len = fread(w.buf, 1, w.cap, f);
    bool good = f && !ferror(f) && feof(f) && w.err == ERR_NONE;
    if (f)
        fclose(f);
    if (!good)
        fprintf(stderr, "osprey-profile: cannot read %s (or it is over %u octets)\n", path, PACKAGE_MAX);
    *ret = wr_span(&w);
    return good;
}

static struct span without_newline(struct span s)
{
    while (s.len && (s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    return s;
}

static bool add_setting(struct options *o, const char *text, struct arena *a)
{
    const char *is = strchr(text, '=');
    if (!is || o->setting_count == SETTINGS_MAX - 1) {
        fprintf(stderr, "osprey-profile: --set NAME=VALUE\n");
        return false;
    }
    struct build_setting *s = &o->settings[o->setting_count++];
    s->name = (struct span){ (const uint8_t *)text, (size_t)(is - text) };
    s->value = span_text(is + 1);
    if (is[1] == '@') {
        if (!read_file(is + 2, a, &s->value))
            return false;
        s->value = without_newline(s->value);
    }
    return true;
}

static bool parse(int argc, char **argv, struct options *o, struct arena *a)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--set") && i + 1 < argc) {
            if (!add_setting(o, argv[++i], a))
                return false;
        } else if (!strncmp(argv[i], "--set=", 6)) {
            if (!add_setting(o, argv[i] + 6, a))
                return false;
        } else if (!strcmp(argv[i], "-o") && i + 1 < argc) {
            o->out = argv[++i];
        } else if (!strcmp(argv[i], "--secrets")) {
            o->secrets = true;
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return false;
        } else if (!o->command) {
            o->command = argv[i];
        } else if (o->file_count < ARRAY_LEN(o->files)) {
            o->files[o->file_count++] = argv[i];
        }
    }
    return o->command && o->file_count > 0;
}

/* ---- build ---- */

#define OP_MAX 32u

/* OPc of Milenage, TOPc of TUAK. */
static bool operator_constant(struct span algorithm, struct span k, struct span op, uint8_t *out, size_t *ret_len)
{
    bool tuak = span_eq(algorithm, SPAN_LIT("tuak"));
    *ret_len = tuak ? 32 : 16;
    if (op.len != *ret_len)
        return false;
    return (tuak ? tuak_topc(k, op, 1, out) : milenage_opc(k, op, out)) == ERR_NONE;
}

/* A setting that nothing asks for is a slip. */
static bool settings_fit(const struct options *o, struct span source, struct arena *a)
{
    for (size_t i = 0; i < o->setting_count; i++) {
        const char *name = arena_text(a, o->settings[i].name);
        if (name && (!strcmp(name, "op") || profile_build_knows(source, name)))
            continue;
        fprintf(stderr, "osprey-profile: --set %s: %s has no such variable\n", name ? name : "", o->files[0]);
        return false;
    }
    return true;
}

/* op is turned into opc: the package carries only what belongs to the subscriber. */
static bool compute_opc(struct options *o, struct span source, struct arena *a)
{
    struct span op = profile_build_variable(source, o->settings, o->setting_count, "op");
    struct span k = profile_build_variable(source, o->settings, o->setting_count, "k");
    struct span algorithm = profile_build_variable(source, o->settings, o->setting_count, "algorithm");
    uint8_t op_octets[OP_MAX], k_octets[OP_MAX], opc[OP_MAX];
    size_t op_len = 0, k_len = 0, opc_len = 0;
    if (!op.ptr)
        return true;
    bool good = hex_read(op, op_octets, sizeof op_octets, &op_len) == ERR_NONE &&
                hex_read(k, k_octets, sizeof k_octets, &k_len) == ERR_NONE &&
                operator_constant(algorithm, (struct span){ k_octets, k_len }, (struct span){ op_octets, op_len }, opc,
                                  &opc_len);
    char *text = good ? hex_arena(a, (struct span){ opc, opc_len }) : NULL;
    wipe(op_octets, sizeof op_octets);
    wipe(k_octets, sizeof k_octets);
    wipe(opc, sizeof opc);
    if (!text) {
        fprintf(stderr, "osprey-profile: op and k do not fit the algorithm\n");
        return false;
    }
    memmove(&o->settings[1], &o->settings[0],
            o->setting_count * sizeof o->settings[0]); /* the first of a name counts */
    o->settings[0] = (struct build_setting){ SPAN_LIT("opc"), span_text(text) };
    o->setting_count++;
    return true;
}

static bool write_package(const char *path, struct span package)
{
    FILE *f = path ? fopen(path, "wb") : stdout;
    bool good = f && fwrite(package.ptr, 1, package.len, f) == package.len && fflush(f) == 0;
    if (f && path)
        good = fclose(f) == 0 && good;
    if (!good)
        fprintf(stderr, "osprey-profile: cannot write %s\n", path ? path : "standard output");
    return good;
}

static int build(struct options *o, struct arena *a)
{
    struct span source, package;
    struct build_fault fault;
    if (!read_file(o->files[0], a, &source) || !settings_fit(o, source, a) || !compute_opc(o, source, a))
        return 1;
    if (!o->out && isatty(STDOUT_FILENO)) {
        fprintf(stderr, "osprey-profile: a package is binary: name a file with -o\n");
        return 2;
    }
    if (profile_build(source, o->settings, o->setting_count, a, &package, &fault) != ERR_NONE) {
        fprintf(stderr, "%s:%u: %s\n", o->files[0], fault.line, fault.text);
        return 1;
    }
    return write_package(o->out, package) ? 0 : 1;
}

/* ---- dump, lint ---- */

static int dump(const struct options *o, struct arena *a)
{
    struct span package;
    if (!read_file(o->files[0], a, &package))
        return 1;
    return package_dump(stdout, package, o->secrets, a) == ERR_NONE ? 0 : 1;
}

struct finding_printer {
    struct lint_sink sink;
    const char *file;
    bool found;
};

static void print_finding(struct lint_sink *sink, enum lint_level level, size_t element, uint32_t offset,
                          const char *text)
{
    struct finding_printer *p = (struct finding_printer *)(void *)sink;
    p->found = true;
    printf("%s: %s: element %zu at octet %u: %s\n", p->file, level == LINT_ERROR ? "error" : "warning", element, offset,
           text);
}

/* One line a finding; a package without any is told to be good. */
static int lint(const struct options *o, struct arena *a)
{
    int status = 0;
    for (size_t i = 0; i < o->file_count; i++) {
        struct span package;
        struct finding_printer printer = { .sink = { print_finding }, .file = o->files[i] };
        if (!read_file(o->files[i], a, &package) || !profile_lint(package, a, &printer.sink))
            status = 1;
        else if (!printer.found)
            printf("%s: good\n", o->files[i]);
        arena_release(a);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    struct arena a;
    int status = 2;

    if (argc > 1 && !strcmp(argv[1], "--help")) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc > 1 && !strcmp(argv[1], "--version"))
        return printf("osprey-profile %s\n", osprey_version) < 0;
    arena_init(&a, ARENA_MAX);
    bool good = parse(argc, argv, &o, &a);
    if (good && !strcmp(o.command, "build"))
        status = build(&o, &a);
    else if (good && !strcmp(o.command, "dump"))
        status = dump(&o, &a);
    else if (good && !strcmp(o.command, "lint"))
        status = lint(&o, &a);
    else if (argc > 1)
        fprintf(stderr, "osprey-profile: wrong words: build SOURCE, dump FILE or lint FILE...\n(osprey-profile --help says more)\n");
    else
        fputs(usage, stderr);
    arena_release(&a);
    return status;
}
