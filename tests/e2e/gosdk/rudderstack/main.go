// Sends events about one customer, and an order of typed products: URL, write key, customer, number.
package main

import (
	"os"
	"strconv"

	analytics "github.com/rudderlabs/analytics-go/v4"
)

func main() {
	url, key, customer := os.Args[1], os.Args[2], os.Args[3]
	events, err := strconv.Atoi(os.Args[4])
	if err != nil {
		panic(err)
	}
	client, err := analytics.NewWithConfig(key, analytics.Config{DataPlaneUrl: url})
	if err != nil {
		panic(err)
	}
	must(client.Enqueue(analytics.Identify{UserId: customer, Traits: analytics.NewTraits().Set("plan", "gold")}))
	for mark := 0; mark < events; mark++ {
		must(client.Enqueue(analytics.Track{
			UserId: customer, Event: "Product Viewed",
			Properties: analytics.NewProperties().Set("mark", mark).SetCategory("hats"),
		}))
	}
	product := analytics.Product{ID: "p-1", SKU: "H1", Name: "Hat", Price: 12.5}
	must(client.Enqueue(analytics.Track{
		UserId: customer, Event: "Product Added",
		Properties: analytics.NewProperties().SetProductId("p-1").SetSKU("H1").SetCategory("hats"),
	}))
	must(client.Enqueue(analytics.Track{
		UserId: customer, Event: "Order Completed",
		Properties: analytics.NewProperties().SetOrderId("G-1").SetTotal(25).SetCurrency("EUR").SetProducts(product),
	}))
	must(client.Close())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
