import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.ServerSocket;
import java.net.Socket;

class Lines {
  public static void main(String[] arguments) throws IOException {
    try (ServerSocket listener = new ServerSocket(Integer.parseInt(arguments[0]))) {
      while (true) {
        Socket peer = listener.accept();
        new Thread(() -> serve(peer)).start();
      }
    }
  }

  static void serve(Socket peer) {
    try (peer;
        BufferedReader in = new BufferedReader(new InputStreamReader(peer.getInputStream()));
        PrintWriter out = new PrintWriter(peer.getOutputStream(), true)) {
      for (String line; (line = in.readLine()) != null; ) {
        out.print(line + "\n");
        out.flush();
      }
    } catch (IOException gone) {
      // its peer has left
    }
  }
}
