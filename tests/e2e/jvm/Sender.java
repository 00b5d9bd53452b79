import com.segment.analytics.Analytics;
import com.segment.analytics.Callback;
import com.segment.analytics.messages.IdentifyMessage;
import com.segment.analytics.messages.Message;
import com.segment.analytics.messages.TrackMessage;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Sends events about one customer, and an order of typed products: URL, write key, customer, number. */
public class Sender {
  public static void main(String[] told) throws Exception {
    String customer = told[2];
    int events = Integer.parseInt(told[3]);
    CountDownLatch answers = new CountDownLatch(events + 3);
    Callback counted =
        new Callback() {
          @Override
          public void success(Message message) {
            answers.countDown();
          }

          @Override
          public void failure(Message message, Throwable problem) {
            problem.printStackTrace();
          }
        };
    Analytics analytics =
        Analytics.builder(told[1]).endpoint(told[0]).callback(counted).build();
    analytics.enqueue(
        IdentifyMessage.builder().userId(customer).traits(Map.of("plan", "gold")));
    for (int mark = 0; mark < events; mark++) {
      analytics.enqueue(
          TrackMessage.builder("Product Viewed")
              .userId(customer)
              .properties(Map.of("mark", mark, "category", "hats")));
    }
    Map<String, Object> product =
        Map.of("product_id", "p-1", "category", "hats", "price", 12.5, "quantity", 2);
    analytics.enqueue(TrackMessage.builder("Product Added").userId(customer).properties(product));
    analytics.enqueue(
        TrackMessage.builder("Order Completed")
            .userId(customer)
            .properties(
                Map.of("order_id", "J-1", "total", 25.0, "currency", "EUR",
                    "products", List.of(product))));
    analytics.flush();
    boolean all = answers.await(60, TimeUnit.SECONDS);
    analytics.shutdown();
    if (!all) {
      throw new IllegalStateException(answers.getCount() + " events were not accepted");
    }
  }
}
