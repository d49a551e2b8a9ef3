#include "hook.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/codec/hex.h"
#include "lib/crypto/openssl.h"
#include "lib/io/file.h"
#include "show.h"

#define SIGNATURE_SIZE (7 + 64 + 1) /* "sha256=" and hex */

extern char **environ;

/* One message on its way to the webhook, to the command, or to both. */
struct waiting {
    struct hook *hook;
    struct waiting *next;
    char *json;
    bool post, run, under_way;
    unsigned tries;
    uint64_t due_ms;
};

struct hook {
    struct op_session *s;
    const char *url, *command;
    struct arena arena;
    struct span secret;
    struct waiting *first, **last;
    size_t count;
    pid_t children[HOOK_CHILDREN_MAX];
};

static uint64_t now_ms(const struct hook *h)
{
    struct clock *clock = loop_clock(h->s->loop);
    return clock->now_ms(clock);
}

struct hook *hook_new(struct op_session *s, const char *url, const char *secret_path, const char *command)
{
    struct hook *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    arena_init(&h->arena, 2 * HOOK_SECRET_MAX);
    h->s = s;
    h->url = url;
    h->command = command;
    h->last = &h->first;
    if (!secret_path || (file_read(secret_path, HOOK_SECRET_MAX, &h->arena, &h->secret) == ERR_NONE && h->secret.len))
        return h;
    snprintf(s->detail, sizeof s->detail, "--secret: %s cannot be read, or is empty", secret_path);
    hook_free(h);
    return NULL;
}

void hook_message(struct hook *h, const struct es_message *m)
{
    struct waiting *w = h->count < HOOK_WAITING_MAX ? calloc(1, sizeof *w) : NULL;
    if (!w || !(w->json = op_message_json(m))) {
        fprintf(stderr, "osprey: too many messages wait to be handed on: one is in the inbox only\n");
        free(w);
        return;
    }
    w->hook = h;
    w->post = h->url;
    w->run = h->command;
    *h->last = w;
    h->last = &w->next;
    h->count++;
}

/* --- webhook --------------------------------------------------------------------------------------------------- */

static void sign(const struct hook *h, struct span body, char out[SIGNATURE_SIZE])
{
    uint8_t mac[32];
    unsigned len = 0;
    char text[2 * sizeof mac + 1];
    HMAC(EVP_sha256(), h->secret.ptr, (int)h->secret.len, body.ptr, body.len, mac, &len);
    snprintf(out, SIGNATURE_SIZE, "sha256=%s", hex_text(SPAN_OF(mac), text, sizeof text));
    for (char *c = out; *c; c++) /* small letters, as web servers expect them */
        *c = *c >= 'A' && *c <= 'F' ? (char)(*c + 'a' - 'A') : *c;
}

static void on_posted(void *context, const struct http_answer *answer)
{
    struct waiting *w = context;
    bool taken = answer->err == ERR_NONE && answer->status >= 200 && answer->status < 300;
    w->under_way = false;
    if (taken || w->tries >= HOOK_TRIES_MAX)
        w->post = false;
    if (taken)
        return;
    fprintf(stderr, "osprey: webhook: %s %d%s\n", answer->detail, answer->status,
            w->post ? ": trying again" : ": given up; the message is in the inbox");
    w->due_ms = now_ms(w->hook) + (1000ull << w->tries) / 2;
}

static void post(struct hook *h, struct waiting *w)
{
    char signature[SIGNATURE_SIZE] = "";
    struct span body = span_text(w->json);
    if (h->secret.len)
        sign(h, body, signature);
    struct http1_header header = { SPAN_LIT("X-Osprey-Signature"), span_text(signature) };
    struct http_call call = { .url = h->url,
                              .content_type = "application/json",
                              .headers = &header,
                              .header_count = h->secret.len > 0,
                              .body = body,
                              .done = on_posted,
                              .context = w };
    w->tries++;
    w->under_way = true;
    enum err err = http_client_send(h->s->client, &call);
    if (err == ERR_NONE)
        return;
    fprintf(stderr, "osprey: webhook %s: %s\n", h->url, err_text(err));
    w->under_way = w->post = false;
}

/* --- command --------------------------------------------------------------------------------------------------- */

static int file_of(const char *text)
{
    size_t len = strlen(text);
    int fd = memfd_create("osprey-message", MFD_CLOEXEC);
    if (fd >= 0 && (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool run(struct hook *h, struct waiting *w, pid_t *ret)
{
    const char *argv[] = { "/bin/sh", "-c", h->command, NULL };
    posix_spawn_file_actions_t actions;
    int fd = file_of(w->json);
    if (fd < 0)
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    bool good = posix_spawn(ret, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(fd);
    return good;
}

static void bury(struct hook *h)
{
    int status;
    for (size_t i = 0; i < HOOK_CHILDREN_MAX; i++) {
        if (!h->children[i] || waitpid(h->children[i], &status, WNOHANG) != h->children[i])
            continue;
        h->children[i] = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            fprintf(stderr, "osprey: the command for a message failed (%d)\n",
                    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
}

static void start(struct hook *h, struct waiting *w)
{
    for (size_t i = 0; i < HOOK_CHILDREN_MAX; i++)
        if (!h->children[i]) {
            w->run = false;
            if (!run(h, w, &h->children[i]))
                fprintf(stderr, "osprey: the command for a message cannot be started: %s\n", strerror(errno));
            return;
        }
}

/* --- life ------------------------------------------------------------------------------------------------------ */

void hook_tick(struct hook *h)
{
    uint64_t now = now_ms(h);
    bury(h);
    for (struct waiting **at = &h->first; *at;) {
        struct waiting *w = *at;
        if (w->run)
            start(h, w);
        if (w->post && !w->under_way && now >= w->due_ms)
            post(h, w);
        if (w->post || w->run || w->under_way) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        if (h->last == &w->next)
            h->last = at;
        h->count--;
        free(w->json);
        free(w);
    }
}

bool hook_idle(const struct hook *h)
{
    for (size_t i = 0; i < HOOK_CHILDREN_MAX; i++)
        if (h->children[i])
            return false;
    return !h->first;
}

void hook_free(struct hook *h)
{
    if (!h)
        return;
    for (struct waiting *w = h->first, *next; w; w = next) {
        next = w->next;
        free(w->json);
        free(w);
    }
    if (h->secret.len)
        wipe((void *)(uintptr_t)h->secret.ptr, h->secret.len);
    arena_release(&h->arena);
    free(h);
}
