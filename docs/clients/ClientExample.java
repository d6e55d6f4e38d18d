// A client of Padrón that needs only Java 17. Each method does one task, so copy what you need. It finds members of
// JSON with patterns, to need no library. A real program reads JSON with one, or uses a generated client.
//
//     export API_URL=http://127.0.0.1:8080 API_KEY=padron_...
//     java ClientExample.java set-status 3LNHL2GC1BR262548 4 "Brakes, until Friday"
//     java ClientExample.java ask-gate 3LNHL2GC1BR262548 dispatch
//     java ClientExample.java follow cursor.txt
//     WEBHOOK_SECRET=whsec_... java ClientExample.java receive 8081

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class ClientExample {
    static final int WAIT_S = 20; // how long the server holds a question for changes
    static final int ATTEMPTS = 8;
    static final int PAUSE_MS = 500; // before the second attempt; then twice as long each time
    static final int TOLERANCE_S = 300; // how old a message may be
    static final int MESSAGE_BYTES_MAX = 1_000_000;
    static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    static final Set<String> SEEN = ConcurrentHashMap.newKeySet(); // keep these ids where you keep what a message leads to

    static RuntimeException fail(String why) {
        System.err.println(why);
        System.exit(1);
        return new IllegalStateException(why);
    }

    /** Send a request, and again while the server cannot answer. End the program if it refuses the request. */
    static HttpResponse<String> call(String method, String path, String body, String... headers) throws InterruptedException {
        var content = body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body);
        var request = HttpRequest.newBuilder(URI.create(System.getenv("API_URL") + path)).method(method, content)
                .timeout(Duration.ofSeconds(WAIT_S + 10)).header("Authorization", "Bearer " + System.getenv("API_KEY"))
                .header("Content-Type", "application/json");
        for (int place = 0; place < headers.length; place += 2) request.header(headers[place], headers[place + 1]);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            long pause = (long) PAUSE_MS << attempt;
            try {
                var reply = CLIENT.send(request.build(), BodyHandlers.ofString());
                int status = reply.statusCode();
                if (status < 300 || status == 410 || status == 412) return reply;
                if (status != 429 && status != 503) throw fail(status + ": " + reply.body());
                pause = 1000 * reply.headers().firstValueAsLong("Retry-After").orElse(1);
            } catch (IOException error) {
                System.err.println("The server cannot be reached: " + error);
            }
            Thread.sleep(pause);
        }
        throw fail("The server did not answer " + ATTEMPTS + " times.");
    }

    /** Give a member of a JSON object: a text without escapes, a number, true or false. */
    static String find(String name, String json) {
        var found = Pattern.compile("\"" + name + "\":\"?([^\",}\\]]*)").matcher(json);
        return found.find() ? found.group(1) : null;
    }

    /** Set a status, unless somebody else changes the vehicle after we have looked at it. */
    static void setStatus(String vin, String statusId, String reason) throws InterruptedException {
        var path = "/api/v2/vehicles/" + vin + "/status";
        var tag = call("GET", path, null).headers().firstValue("ETag").orElseThrow();
        var text = reason.replace("\\", "\\\\").replace("\"", "\\\"");
        var body = "{\"vehicleStatusId\": %s, \"reason\": \"%s\"}".formatted(statusId, text);
        if (call("PATCH", path, body, "If-Match", tag).statusCode() == 412) {
            // Somebody changed the vehicle, or our own first attempt did, whose answer was lost.
            var now = call("GET", path, null).body();
            if (!statusId.equals(find("vehicleStatusId", now))) {
                throw fail("Meanwhile " + find("changedByName", now) + " set " + find("name", now) + ". Decide again.");
            }
        }
        System.out.println(vin + " has the status " + statusId + ".");
    }

    /** Say whether an operation may touch a vehicle. Ask each time, just before it does. */
    static boolean askGate(String vin, String operation) throws InterruptedException {
        var name = URLEncoder.encode(operation, StandardCharsets.UTF_8);
        var verdict = call("GET", "/api/v2/gate/" + vin + "?operation=" + name, null).body();
        var isAllowed = "true".equals(find("allowed", verdict));
        System.out.println(isAllowed ? "allowed" : "refused: " + find("reason", verdict));
        return isAllowed;
    }

    /**
     * Work on each change in order. The file keeps the cursor, so the next start continues there. The stream has lines:
     * the cursor after "id:", the change after "data:", and an empty line.
     */
    static void follow(Path place) throws Exception {
        while (true) {
            var request = HttpRequest.newBuilder(URI.create(System.getenv("API_URL") + "/api/v2/changes"))
                    .header("Authorization", "Bearer " + System.getenv("API_KEY")).header("Accept", "text/event-stream");
            if (Files.exists(place)) request.header("Last-Event-ID", Files.readString(place));
            try {
                var reply = CLIENT.send(request.build(), BodyHandlers.ofLines());
                if (reply.statusCode() == 410) { // a backup was restored
                    Files.delete(place);
                    throw fail("The cursor is gone: load your copy of the vehicles again, then start again.");
                }
                if (reply.statusCode() == 200) read(reply.body().iterator(), place);
                else if (reply.statusCode() != 429 && reply.statusCode() != 503) throw fail("" + reply.statusCode());
            } catch (IOException | java.io.UncheckedIOException error) {
                System.err.println("The server cannot be reached: " + error);
            }
            Thread.sleep(1000);
        }
    }

    static void read(java.util.Iterator<String> lines, Path place) throws IOException {
        String cursor = null;
        while (lines.hasNext()) {
            var line = lines.next();
            if (line.startsWith("id: ")) cursor = line.substring(4);
            if (line.startsWith("data: ")) System.out.println(line.substring(6)); // the part to replace
            if (line.isEmpty() && cursor != null) { // only now, so that no change is missed
                var fresh = Files.writeString(Path.of(place + ".new"), cursor);
                Files.move(fresh, place, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    /** Say whether a message is from Padrón and recent. */
    static boolean verify(String secret, HttpExchange message, byte[] body) throws GeneralSecurityException {
        var headers = message.getRequestHeaders();
        var id = headers.getFirst("webhook-id");
        var sentAt = headers.getFirst("webhook-timestamp");
        var signatures = headers.getFirst("webhook-signature");
        if (id == null || signatures == null || sentAt == null || !sentAt.matches("[0-9]{1,12}")) return false;
        if (Math.abs(Instant.now().getEpochSecond() - Long.parseLong(sentAt)) > TOLERANCE_S) return false;
        var mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")), "HmacSHA256"));
        mac.update((id + "." + sentAt + ".").getBytes(StandardCharsets.UTF_8));
        var wanted = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes();
        // There are two, while a secret is replaced. isEqual takes the same time, wherever two texts differ.
        return Arrays.stream(signatures.split(" ")).anyMatch(given -> MessageDigest.isEqual(given.getBytes(), wanted));
    }

    /** Receive messages. Behind a proxy with TLS, this is all that a receiver needs. */
    static void receive(int port) throws IOException {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", message -> {
            try (message) {
                var body = message.getRequestBody().readNBytes(MESSAGE_BYTES_MAX);
                var isReal = verify(System.getenv("WEBHOOK_SECRET"), message, body);
                message.sendResponseHeaders(isReal ? 204 : 401, -1); // answer first: Padrón waits 15 seconds for it
                if (isReal && SEEN.add(message.getRequestHeaders().getFirst("webhook-id"))) { // it may come twice
                    System.out.println(new String(body, StandardCharsets.UTF_8)); // the part to replace
                }
            } catch (GeneralSecurityException error) {
                throw new IllegalStateException(error);
            }
        });
        server.start();
    }

    public static void main(String[] words) throws Exception {
        switch (words.length == 0 ? "" : words[0]) {
            case "set-status" -> setStatus(words[1], words[2], words[3]);
            case "ask-gate" -> System.exit(askGate(words[1], words[2]) ? 0 : 3);
            case "follow" -> follow(Path.of(words[1]));
            case "receive" -> receive(Integer.parseInt(words[1]));
            default -> throw fail("Name a task: set-status, ask-gate, follow or receive.");
        }
    }
}
