// A partner on Java: Apache WSS4J signs and verifies, the JDK's own HTTPS carries. It reads commands from standard input, one to a
// line, and answers each with one line: ok or error, and words. It shares no code with what it is a partner of.
//
//   sign IN OUT KEY-IDENTIFIER PART…   signs those elements of the message, or Token, its certificate. Before the key identifier
//                                      "inclusive:" asks for an inclusive canonical form of SignedInfo, "rsa:" for the other key
//   token IN OUT digest|text USER PASSWORD   puts a UsernameToken in
//   verify FILE [PASSWORD]             the elements that its signature covers, or the user whose password that is
//   post URL FILE OUT                  the HTTP status; the answer goes to OUT
//   serve PORT                         takes whatever is posted, answers 202
//   heard OUT                          the oldest message that was posted here goes to OUT
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSDataRef;
import org.apache.ws.security.WSEncryptionPart;
import org.apache.ws.security.WSPasswordCallback;
import org.apache.ws.security.WSSecurityEngine;
import org.apache.ws.security.WSSecurityEngineResult;
import org.apache.ws.security.components.crypto.Merlin;
import org.apache.ws.security.message.WSSecHeader;
import org.apache.ws.security.message.WSSecSignature;
import org.apache.ws.security.message.WSSecTimestamp;
import org.apache.ws.security.message.WSSecUsernameToken;
import org.apache.ws.security.message.token.UsernameToken;
import org.w3c.dom.Document;

public class Wss4jPeer {
    static final String PASSWORD = "lab"; // of the key store, which is the test's own
    static final Map<String, Integer> IDENTIFIERS = Map.of("direct", WSConstants.BST_DIRECT_REFERENCE, "issuer", WSConstants.ISSUER_SERIAL,
        "ski", WSConstants.SKI_KEY_IDENTIFIER, "x509", WSConstants.X509_KEY_IDENTIFIER, "thumbprint", WSConstants.THUMBPRINT_IDENTIFIER);
    final KeyStore keys, trust;
    final Merlin crypto = new Merlin();
    final SSLContext tls = SSLContext.getInstance("TLS");
    final BlockingQueue<byte[]> heard = new LinkedBlockingQueue<>();

    Wss4jPeer(String keyFile, String trustFile, String rsaFile) throws Exception {
        keys = store(new FileInputStream(keyFile));
        trust = store(null);
        trust.setCertificateEntry("ci", CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(trustFile)));
        crypto.setKeyStore(keys);
        crypto.setTrustStore(trust);
        KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
        own.init(keys, PASSWORD.toCharArray());
        TrustManagerFactory others = TrustManagerFactory.getInstance("PKIX");
        others.init(trust);
        tls.init(own.getKeyManagers(), others.getTrustManagers(), null);
        KeyStore rsa = store(new FileInputStream(rsaFile));
        keys.setKeyEntry("rsa", rsa.getKey("key", PASSWORD.toCharArray()), PASSWORD.toCharArray(), rsa.getCertificateChain("key"));
    }

    static KeyStore store(InputStream from) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(from, PASSWORD.toCharArray());
        return store;
    }

    static Document parse(byte[] octets) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(octets));
    }

    /** As WSS4J does it when nothing is asked for, but for SHA-2, which it must be told. */
    String sign(String in, String out, String identifier, List<String> parts) throws Exception {
        Document message = parse(Files.readAllBytes(Paths.get(in)));
        WSSecHeader header = new WSSecHeader();
        header.insertSecurityHeader(message);
        WSSecSignature signature = new WSSecSignature();
        List<String> how = Arrays.asList(identifier.split(":"));
        signature.setUserInfo(how.contains("rsa") ? "rsa" : "key", PASSWORD);
        signature.setKeyIdentifierType(IDENTIFIERS.get(how.get(how.size() - 1)));
        if (how.contains("inclusive"))
            signature.setSigCanonicalization(WSConstants.C14N_OMIT_COMMENTS);
        signature.setSignatureAlgorithm("http://www.w3.org/2001/04/xmldsig-more#" + (how.contains("rsa") ? "rsa-sha256" : "ecdsa-sha256"));
        signature.setDigestAlgo(WSConstants.SHA256);
        if (parts.contains("Timestamp"))
            new WSSecTimestamp().build(message, header);
        signature.prepare(message, crypto, header);
        signature.prependBSTElementToHeader(header);
        List<WSEncryptionPart> wanted = new ArrayList<>();
        for (String part : parts)
            wanted.add(part.equals("Token") ? new WSEncryptionPart(signature.getBSTTokenId()) : new WSEncryptionPart(part, space(part), ""));
        signature.computeSignature(signature.addReferencesToSign(wanted, header), false, null);
        write(message, out);
        return "signed";
    }

    String token(String in, String out, String kind, String user, String password) throws Exception {
        Document message = parse(Files.readAllBytes(Paths.get(in)));
        WSSecHeader header = new WSSecHeader();
        header.insertSecurityHeader(message);
        WSSecUsernameToken token = new WSSecUsernameToken();
        token.setPasswordType(kind.equals("digest") ? WSConstants.PASSWORD_DIGEST : WSConstants.PASSWORD_TEXT);
        token.setUserInfo(user, password);
        token.build(message, header);
        write(message, out);
        return "written";
    }

    static void write(Document message, String out) throws Exception {
        TransformerFactory.newInstance().newTransformer().transform(new DOMSource(message), new StreamResult(out));
    }

    static String space(String part) {
        return part.equals("Body") ? WSConstants.URI_SOAP12_ENV : part.equals("Timestamp") ? WSConstants.WSU_NS : "http://www.w3.org/2005/08/addressing";
    }

    String verify(byte[] message, String password) throws Exception {
        List<String> seen = new ArrayList<>();
        CallbackHandler known = callbacks -> {
            for (Callback callback : callbacks)
                ((WSPasswordCallback)callback).setPassword(password);
        };
        List<WSSecurityEngineResult> results = new WSSecurityEngine().processSecurityHeader(parse(message), null, known, crypto);
        for (WSSecurityEngineResult result : results == null ? new ArrayList<WSSecurityEngineResult>() : results) {
            List<?> references = (List<?>)result.get(WSSecurityEngineResult.TAG_DATA_REF_URIS);
            UsernameToken token = (UsernameToken)result.get(WSSecurityEngineResult.TAG_USERNAME_TOKEN);
            for (Object reference : references == null ? new ArrayList<Object>() : references)
                seen.add(((WSDataRef)reference).getName().getLocalPart());
            if (token != null)
                seen.add(token.getName());
        }
        if (seen.isEmpty())
            throw new IOException("nothing is signed, and nobody is named");
        return String.join(" ", seen);
    }

    String post(String url, String file, String out) throws Exception {
        HttpsURLConnection connection = (HttpsURLConnection)new URL(url).openConnection();
        connection.setSSLSocketFactory(tls.getSocketFactory());
        connection.setHostnameVerifier((name, session) -> true); // the lab's names are addresses
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        connection.setRequestProperty("Content-Type", "application/soap+xml; charset=utf-8");
        connection.getOutputStream().write(Files.readAllBytes(Paths.get(file)));
        int status = connection.getResponseCode();
        var stream = status < 400 ? connection.getInputStream() : connection.getErrorStream();
        Files.write(Paths.get(out), stream == null ? new byte[0] : stream.readAllBytes());
        return Integer.toString(status);
    }

    String serve(int port) throws Exception {
        HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls) {
            @Override public void configure(HttpsParameters parameters) {
                SSLParameters both = tls.getDefaultSSLParameters();
                both.setNeedClientAuth(true);
                parameters.setSSLParameters(both);
            }
        });
        server.createContext("/", this::take);
        server.start();
        return "listening";
    }

    void take(HttpExchange exchange) throws IOException {
        heard.add(exchange.getRequestBody().readAllBytes());
        exchange.sendResponseHeaders(202, -1);
        exchange.close();
    }

    String heard(String out) throws Exception {
        byte[] message = heard.poll(10, TimeUnit.SECONDS);
        if (message == null)
            throw new IOException("nothing was posted");
        Files.write(Paths.get(out), message);
        return "heard";
    }

    interface Command { String run() throws Exception; }

    static String tell(Command command) {
        try {
            return "ok " + command.run();
        } catch (Exception e) {
            StringBuilder words = new StringBuilder("error");
            for (Throwable t = e; t != null; t = t.getCause())
                words.append(" ").append(t);
            return words.toString().replaceAll("\\s+", " ");
        }
    }

    String obey(String[] word) throws Exception {
        switch (word[0]) {
        case "sign":
            return sign(word[1], word[2], word[3], Arrays.asList(word).subList(4, word.length));
        case "verify":
            return verify(Files.readAllBytes(Paths.get(word[1])), word.length > 2 ? word[2] : null);
        case "token":
            return token(word[1], word[2], word[3], word[4], word[5]);
        case "post":
            return post(word[1], word[2], word[3]);
        case "serve":
            return serve(Integer.parseInt(word[1]));
        case "heard":
            return heard(word[1]);
        default:
            throw new IOException("no such command");
        }
    }

    public static void main(String[] arguments) throws Exception {
        Wss4jPeer peer = new Wss4jPeer(arguments[0], arguments[1], arguments[2]);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] word = line.split(" ");
            System.out.println(tell(() -> peer.obey(word)));
        }
        System.exit(0);
    }
}
