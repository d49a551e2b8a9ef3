/* osprey-wsdl FOLDER: writes the services and messages of SGP.02 as Osprey speaks them, for partners' toolkits: one WSDL
 * for each service, and the whole schema. The servers give the same documents at `?wsdl`. */
#include <errno.h>
#include <stdio.h>

#include "lib/base/version.h"
#include "lib/es/wsdl.h"
#include "lib/io/file.h"

#define RAM_MAX (16u * WSDL_MAX)

static enum err write_one(const char *folder, const char *name, const char *suffix, struct span document)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, suffix);
    enum err err = file_write(path, document);
    if (err == ERR_NONE)
        printf("%s (%zu octets)\n", path, document.len);
    return err;
}

static enum err write_all(const char *folder, const char *base_url)
{
    struct arena a;
    struct span document;
    arena_init(&a, RAM_MAX);
    enum err err = es_xsd(&a, &document);
    if (err == ERR_NONE)
        err = write_one(folder, "esim-messaging", "xsd", document);
    for (int i = 0; i < ES_INTERFACE_COUNT; i++)
        for (int at = 0; at < ES_ROLE_COUNT && err == ERR_NONE; at++)
            if (es_wsdl_of((enum es_interface)i, (enum es_role)at, base_url, &a, &document) == ERR_NONE)
                err = write_one(folder, strrchr(es_service_path((enum es_interface)i, (enum es_role)at), '/') + 1, "wsdl",
                                document);
    arena_release(&a);
    return err;
}

static const char help[] =
    "osprey-wsdl FOLDER [URL]: writes WSDL and XSD of all services into the folder, which is made when it is not there.\n"
    "URL is https://host:port of the server; https://localhost when it is not given.\n";

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--version"))
        return printf("osprey-wsdl %s\n", osprey_version) < 0;
    if (argc < 2 || argc > 3 || argv[1][0] == '-') {
        bool asked = argc == 2 && !strcmp(argv[1], "--help");
        fputs(help, asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    enum err err = file_make_folder(argv[1]);
    if (err == ERR_NONE)
        err = write_all(argv[1], argc > 2 ? argv[2] : "https://localhost");
    if (err != ERR_NONE)
        fprintf(stderr, "osprey-wsdl: %s: %s\n", argv[1], err == ERR_IO ? strerror(errno) : err_text(err));
    return err == ERR_NONE ? 0 : 1;
}
