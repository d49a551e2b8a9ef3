#include "soap_trace.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/io/file.h"

#define PATH_LEN_MAX 1024u

static bool name_octet(uint8_t c) { return c == '-' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

void soap_name(struct span soap, char out[SOAP_NAME_MAX])
{
    const uint8_t *end = soap.ptr + soap.len, *at = soap.len ? memmem(soap.ptr, soap.len, "Body", 4) : NULL;
    size_t len = 0;
    while (at && at < end && *at != '<')
        at++;
    for (at = at && at < end ? at + 1 : end; at && at < end && len + 1 < SOAP_NAME_MAX; at++) {
        if (*at == ':')
            len = 0;
        else if (name_octet(*at))
            out[len++] = (char)*at;
        else
            break;
    }
    out[len] = '\0';
}

enum err soap_trace_open(struct soap_trace *t)
{
    char path[PATH_LEN_MAX];
    if (!t->folder)
        return ERR_NONE;
    snprintf(path, sizeof path, "%s/soap", t->folder);
    return file_make_folder(path);
}

void soap_trace_write(struct soap_trace *t, const char *way, struct span soap)
{
    char name[SOAP_NAME_MAX], path[PATH_LEN_MAX];
    if (!t->folder || !soap.len)
        return;
    soap_name(soap, name);
    do
        snprintf(path, sizeof path, "%s/soap/%s-%05u-%s-%s.xml", t->folder, t->role, ++t->count, way, name);
    while (access(path, F_OK) == 0);
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    fwrite(soap.ptr, 1, soap.len, f);
    fclose(f);
}
