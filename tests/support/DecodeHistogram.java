import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Locale;
import org.HdrHistogram.Histogram;

// Decodes each line of stdin, a histogram in HdrHistogram's compressed V2 encoding in base64, with
// the class it comes from. Prints a line with percentiles, maximum, mean and count, a line with the
// histogram encoded anew, and its percentile distribution.
public class DecodeHistogram {
  public static void main(String[] arguments) throws Exception {
    Locale.setDefault(Locale.ROOT);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      ByteBuffer encoded = ByteBuffer.wrap(Base64.getDecoder().decode(line));
      Histogram histogram = Histogram.decodeFromCompressedByteBuffer(encoded, 0);
      for (double percent : new double[] {50, 90, 99, 99.9, 99.99}) {
        System.out.print(histogram.getValueAtPercentile(percent) + " ");
      }
      System.out.println(
          histogram.getMaxValue() + " " + histogram.getMean() + " " + histogram.getTotalCount());
      ByteBuffer again = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
      int size = histogram.encodeIntoCompressedByteBuffer(again);
      byte[] bytes = java.util.Arrays.copyOf(again.array(), size);
      System.out.println(Base64.getEncoder().encodeToString(bytes));
      histogram.outputPercentileDistribution(System.out, 5, 1000.0);
    }
  }
}
