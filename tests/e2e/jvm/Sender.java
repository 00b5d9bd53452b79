import com.segment.analytics.Analytics;
import com.segment.analytics.messages.IdentifyMessage;
import com.segment.analytics.messages.TrackMessage;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Sends events about one customer, and an order of typed products: URL, write key, customer, number. */
public class Sender {
  public static void main(String[] told) throws Exception {
    String customer = told[2];
    int events = Integer.parseInt(told[3]);
    Analytics analytics = Analytics.builder(told[1]).endpoint(told[0]).build();
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
    TimeUnit.SECONDS.sleep(3);
    analytics.shutdown();
  }
}
