import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The service of the example: answers its version, and finishes what it has begun when it is told to stop. */
public final class Shop {
  private static final int SECONDS_TO_FINISH = 5;

  public static void main(String[] arguments) throws IOException {
    String version = Files.readString(Path.of("version")).trim();
    int port = Integer.getInteger("server.port");
    HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
    server.createContext("/", exchange -> answer(exchange, version));
    server.createContext("/health", exchange -> answer(exchange, "ok"));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(SECONDS_TO_FINISH)));
    server.start();
    System.out.println("shop " + version + " listens on " + port);
  }

  private static void answer(HttpExchange exchange, String text) throws IOException {
    byte[] body = (text + "\n").getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("X-Served-By", text);
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
