/* An operator made by a foreign toolkit: gSOAP's generated client of the SM-DP's own WSDL. Compiled by test_toolkits.py,
 * never part of a program of ours. It asks for the EIS, downloads a profile and enables it, and takes the callbacks.
 *
 *     gsoap-client URL IDENTITY.pem CA.pem OWN-OID DP-OID SR-OID PORT EID ICCID */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ES2SmDpServiceBinding.nsmap"
#include "soapH.h"

static struct {
    const char *url, *identity, *ca, *own, *dp, *sr, *eid, *iccid;
    int port;
    unsigned number;
} world;

static int complain(struct soap *s, const char *what)
{
    fprintf(stderr, "%s: ", what);
    soap_print_fault(s, stderr);
    return 1;
}

static char *text(struct soap *s, const char *format, const char *a, const char *b)
{
    char *out = soap_malloc(s, 600);
    snprintf(out, 600, format, a, b);
    return out;
}

/* WS-Addressing as SGP.02 wants it. */
static void address(struct soap *s, const char *action, int callback)
{
    char own[200];
    struct SOAP_ENV__Header *h = soap_malloc(s, sizeof *h);
    memset(h, 0, sizeof *h);
    snprintf(own, sizeof own, "https://127.0.0.1:%d/esim-messaging/3/ES2/ES2MnoService", world.port);
    h->wsa5__From = soap_malloc(s, sizeof *h->wsa5__From);
    memset(h->wsa5__From, 0, sizeof *h->wsa5__From);
    h->wsa5__From->Address = text(s, "%s?EntityId=%s", own, world.own);
    h->wsa5__To = text(s, "%s?EntityId=%s", world.url, world.dp);
    h->wsa5__Action = text(s, "%s%s", action, "");
    h->wsa5__MessageID = soap_malloc(s, 200);
    snprintf(h->wsa5__MessageID, 200, "//%s/gsoap-%u?TransactionId=t%u?MessageDate=2026-01-02T03:04:05Z", world.own,
             ++world.number, world.number);
    if (callback) {
        h->wsa5__ReplyTo = soap_malloc(s, sizeof *h->wsa5__ReplyTo);
        memset(h->wsa5__ReplyTo, 0, sizeof *h->wsa5__ReplyTo);
        h->wsa5__ReplyTo->Address = text(s, "%s%s", own, "");
    }
    s->header = h;
}

static struct xsd__hexBinary octets(struct soap *s, const char *digits)
{
    struct xsd__hexBinary out = { soap_malloc(s, strlen(digits) / 2), (int)strlen(digits) / 2 };
    for (int i = 0; i < out.__size; i++) {
        unsigned octet;
        sscanf(digits + 2 * i, "%2x", &octet);
        out.__ptr[i] = (unsigned char)octet;
    }
    return out;
}

static char *call_id(struct soap *s, const char *function) { return text(s, "gsoap-%s-%s", world.iccid, function); }

static int succeeded(const char *function, const struct ns1__StatusType *status)
{
    printf("%s %s %s %s\n", function, status->Status, status->StatusCodeData ? status->StatusCodeData->Subject : "",
           status->StatusCodeData ? status->StatusCodeData->Reason : "");
    return strcmp(status->Status, "EXECUTED_SUCCESS") == 0;
}

static int get_eis(struct soap *s, unsigned expected)
{
    struct _ns1__ES2_GetEISRequest request = { text(s, "gsoap-eis-%s%s", world.iccid, expected ? "2" : "1"), NULL,
                                               octets(s, world.eid), (char *)world.sr };
    struct _ns1__ES2_GetEISResponse response;
    address(s, "http://gsma.com/ES2/DataPreparation/ES2-GetEISRequest", 0);
    if (soap_call___ns1__GetEIS(s, world.url, NULL, &request, &response))
        return complain(s, "GetEIS");
    if (!succeeded("GetEIS", response.FunctionExecutionStatus) || !response.Eis ||
        response.Eis->EumSignedInfo->Eid.__size != 16 || (unsigned)response.Eis->__sizeProfileInfo != expected) {
        fprintf(stderr, "GetEIS: not the EIS that was expected\n");
        return 1;
    }
    if (expected && strcmp(response.Eis->ProfileInfo[0].Iccid, world.iccid)) {
        fprintf(stderr, "GetEIS: not the profile that was expected\n");
        return 1;
    }
    return 0;
}

/* The callback: a request of its own. */
static int take(struct soap *s)
{
    if (!soap_valid_socket(soap_accept(s)) || soap_ssl_accept(s))
        return complain(s, "a callback");
    return 0;
}

static void acknowledge(struct soap *s)
{
    soap_send_empty_response(s, 202);
    s->keep_alive = 0;
    soap_closesock(s);
}

static int download(struct soap *client, struct soap *server)
{
    struct _ns1__ES2_DownloadProfileRequest request = { call_id(client, "download"), NULL, octets(client, world.eid),
                                                        (char *)world.sr, NULL, (char *)world.iccid,
                                                        xsd__boolean__false_ };
    struct __ns1__DownloadProfileResponse callback;
    address(client, "http://gsma.com/ES2/ProfileManagement/ES2-DownloadProfile", 1);
    if (soap_send___ns1__DownloadProfile(client, world.url, NULL, &request) || soap_recv_empty_response(client))
        return complain(client, "DownloadProfile");
    soap_closesock(client);
    if (take(server) || soap_recv___ns1__DownloadProfileResponse(server, &callback))
        return complain(server, "DownloadProfile's callback");
    acknowledge(server);
    const struct _ns1__ES2_DownloadProfileResponse *r = callback.ns1__ES2_DownloadProfileResponse;
    return r && succeeded("DownloadProfile", r->FunctionExecutionStatus) && r->Iccid && !strcmp(r->Iccid, world.iccid) ? 0 : 1;
}

static int enable(struct soap *client, struct soap *server)
{
    struct _ns1__ES2_EnableProfileRequest request = { call_id(client, "enable"), NULL, octets(client, world.eid),
                                                      (char *)world.sr, (char *)world.iccid };
    struct __ns1__EnableProfileResponse callback;
    address(client, "http://gsma.com/ES2/PlatformManagement/ES2-EnableProfile", 1);
    if (soap_send___ns1__EnableProfile(client, world.url, NULL, &request) || soap_recv_empty_response(client))
        return complain(client, "EnableProfile");
    soap_closesock(client);
    if (take(server) || soap_recv___ns1__EnableProfileResponse(server, &callback))
        return complain(server, "EnableProfile's callback");
    acknowledge(server);
    return callback.ns1__ES2_EnableProfileResponse &&
           succeeded("EnableProfile", callback.ns1__ES2_EnableProfileResponse->FunctionExecutionStatus) ? 0 : 1;
}

static int run(struct soap *client, struct soap *server)
{
    unsigned short flags = SOAP_TLSv1_2 | SOAP_TLSv1_3 | SOAP_SSL_REQUIRE_SERVER_AUTHENTICATION | SOAP_SSL_SKIP_HOST_CHECK;
    if (soap_ssl_client_context(client, flags, world.identity, "", world.ca, NULL, NULL))
        return complain(client, "TLS");
    if (soap_ssl_server_context(server, SOAP_TLSv1_2 | SOAP_TLSv1_3 | SOAP_SSL_REQUIRE_CLIENT_AUTHENTICATION,
                                world.identity, "", world.ca, NULL, NULL, NULL, "gsoap"))
        return complain(server, "TLS");
    server->bind_flags = SO_REUSEADDR;
    if (!soap_valid_socket(soap_bind(server, "127.0.0.1", world.port, 10)))
        return complain(server, "the callbacks' port");
    return get_eis(client, 0) || download(client, server) || get_eis(client, 1) || enable(client, server);
}

int main(int argc, char **argv)
{
    if (argc != 10)
        return 2;
    world.url = argv[1];
    world.identity = argv[2];
    world.ca = argv[3];
    world.own = argv[4];
    world.dp = argv[5];
    world.sr = argv[6];
    world.port = atoi(argv[7]);
    world.eid = argv[8];
    world.iccid = argv[9];
    soap_ssl_init();
    struct soap *client = soap_new(), *server = soap_new1(SOAP_IO_KEEPALIVE);
    client->connect_timeout = client->recv_timeout = client->send_timeout = 60;
    server->accept_timeout = 60;
    server->recv_timeout = server->send_timeout = 30;
    return run(client, server);
}
