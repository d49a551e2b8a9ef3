/* bench/count.c: a library in front of the others (LD_PRELOAD) that counts what a program itself calls: not what OpenSSL or
 * SQLite call for it. The counters are in the file that OSPREY_BENCH_COUNTS names, an unsigned 64-bit number each, in the
 * order of enum counter; tools/bench_counts.py reads them while the program runs. */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/crypto/openssl.h"

#include <openssl/kdf.h>

enum counter { COUNT_MALLOC, COUNT_SIGN, COUNT_VERIFY, COUNT_KEYGEN, COUNT_DERIVE, COUNT_PRIVATE_KEY, COUNT_FETCH, COUNT_SYNC, COUNTERS };

static uint64_t none[COUNTERS], *counters = none;
static uintptr_t program_begin, program_end;

static int note_program(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size, (void)context;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        program_begin = info->dlpi_addr + p->p_vaddr;
        program_end = program_begin + p->p_memsz;
    }
    return 1; /* the first one is the program; the libraries come behind it */
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("OSPREY_BENCH_COUNTS");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    void *shared = MAP_FAILED;
    if (ftruncate(fd, sizeof none) == 0)
        shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED)
        return;
    dl_iterate_phdr(note_program, NULL);
    counters = shared;
}

static void count(enum counter which, const void *caller)
{
    if ((uintptr_t)caller >= program_begin && (uintptr_t)caller < program_end)
        counters[which]++;
}

/* glibc's own names: dlsym itself asks for memory. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    count(COUNT_MALLOC, __builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size)
{
    count(COUNT_MALLOC, __builtin_return_address(0));
    return __libc_calloc(members, size);
}

void *realloc(void *memory, size_t size)
{
    count(COUNT_MALLOC, __builtin_return_address(0));
    return __libc_realloc(memory, size);
}

#define COUNTED(which, type, name, parameters, arguments)                                                             \
    type name parameters                                                                                               \
    {                                                                                                                  \
        static type(*next) parameters;                                                                                 \
        if (!next)                                                                                                     \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                                                 \
        count(which, __builtin_return_address(0));                                                                     \
        return next arguments;                                                                                         \
    }

int fdatasync(int fd)
{
    static int (*next)(int);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "fdatasync");
    counters[COUNT_SYNC]++; /* it is SQLite that calls it */
    return next(fd);
}

typedef const unsigned char octets;
COUNTED(COUNT_SIGN, int, EVP_PKEY_sign, (EVP_PKEY_CTX *c, unsigned char *s, size_t *sl, octets *t, size_t tl), (c, s, sl, t, tl))
COUNTED(COUNT_SIGN, int, EVP_DigestSign, (EVP_MD_CTX *c, unsigned char *s, size_t *sl, octets *t, size_t tl), (c, s, sl, t, tl))
COUNTED(COUNT_VERIFY, int, EVP_PKEY_verify, (EVP_PKEY_CTX *c, octets *s, size_t sl, octets *t, size_t tl), (c, s, sl, t, tl))
COUNTED(COUNT_VERIFY, int, EVP_DigestVerify, (EVP_MD_CTX *c, octets *s, size_t sl, octets *t, size_t tl), (c, s, sl, t, tl))
COUNTED(COUNT_KEYGEN, int, EVP_PKEY_generate, (EVP_PKEY_CTX *c, EVP_PKEY **k), (c, k))
COUNTED(COUNT_KEYGEN, int, EVP_PKEY_keygen, (EVP_PKEY_CTX *c, EVP_PKEY **k), (c, k))
COUNTED(COUNT_DERIVE, int, EVP_PKEY_derive, (EVP_PKEY_CTX *c, unsigned char *k, size_t *kl), (c, k, kl))
/* A key is made with a scalar of our own: the generator is multiplied with it. */
int EC_POINT_mul(const EC_GROUP *group, EC_POINT *r, const BIGNUM *n, const EC_POINT *q, const BIGNUM *m, BN_CTX *c)
{
    static int (*next)(const EC_GROUP *, EC_POINT *, const BIGNUM *, const EC_POINT *, const BIGNUM *, BN_CTX *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "EC_POINT_mul");
    count(q ? COUNT_DERIVE : COUNT_KEYGEN, __builtin_return_address(0));
    return next(group, r, n, q, m, c);
}
COUNTED(COUNT_PRIVATE_KEY, EVP_PKEY *, PEM_read_bio_PrivateKey, (BIO *b, EVP_PKEY **k, pem_password_cb *p, void *u), (b, k, p, u))
COUNTED(COUNT_PRIVATE_KEY, EVP_PKEY *, d2i_AutoPrivateKey, (EVP_PKEY **k, octets **d, long l), (k, d, l))
COUNTED(COUNT_FETCH, EVP_CIPHER *, EVP_CIPHER_fetch, (OSSL_LIB_CTX *x, const char *a, const char *p), (x, a, p))
COUNTED(COUNT_FETCH, EVP_MD *, EVP_MD_fetch, (OSSL_LIB_CTX *x, const char *a, const char *p), (x, a, p))
COUNTED(COUNT_FETCH, EVP_MAC *, EVP_MAC_fetch, (OSSL_LIB_CTX *x, const char *a, const char *p), (x, a, p))
COUNTED(COUNT_FETCH, EVP_KDF *, EVP_KDF_fetch, (OSSL_LIB_CTX *x, const char *a, const char *p), (x, a, p))
