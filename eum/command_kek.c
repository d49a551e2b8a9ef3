/* osprey-eum kek: the transport key between an EUM and an SM-SR. */
#include "commands.h"
#include "kek.h"
#include "lib/base/world.h"

static const struct command_option options[] = {
    { "out", "FILE", NULL, true, "the new key file" },
};

static int run(const struct call *call)
{
    const char *path = call_text(call, "out");
    enum err err = kek_create(path, world_rng());
    if (err != ERR_NONE)
        return call_failed(call, "%s: %s", path, err_text(err));
    printf("transport key in %s: give it to the SM-SR too\n", path);
    return EXIT_GOOD;
}

const struct command command_kek = {
    "kek",
    NULL,
    0,
    0,
    "makes a transport key, shared by EUM and SM-SR",
    "  The OTA keys in an EIS are encrypted under it (AES-256-CBC). The file has mode 0600.\n\n"
    "  osprey-eum kek --out eum/sm-sr.kek\n",
    options,
    ARRAY_LEN(options),
    run
};
