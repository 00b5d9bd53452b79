// Writes and reads a table by clickhouse-go, as Grafana's plugin uses it: protocol, address, user,
// password, compression, table.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

var protocols = map[string]clickhouse.Protocol{"http": clickhouse.HTTP, "native": clickhouse.Native}

var methods = map[string]clickhouse.CompressionMethod{
	"none": clickhouse.CompressionNone, "lz4": clickhouse.CompressionLZ4,
	"zstd": clickhouse.CompressionZSTD, "gzip": clickhouse.CompressionGZIP,
}

func main() {
	table, ctx := os.Args[6], context.Background()
	connection, err := clickhouse.Open(&clickhouse.Options{
		Protocol:    protocols[os.Args[1]],
		Addr:        []string{os.Args[2]},
		Auth:        clickhouse.Auth{Database: "default", Username: os.Args[3], Password: os.Args[4]},
		Compression: &clickhouse.Compression{Method: methods[os.Args[5]]},
	})
	must(err)
	must(connection.Ping(ctx))
	must(connection.Exec(ctx, "CREATE TABLE "+table+
		" (a UInt64, b LowCardinality(String), c Array(String), t DateTime64(3, 'UTC'))"+
		" ENGINE = MergeTree ORDER BY a"))
	batch, err := connection.PrepareBatch(ctx, "INSERT INTO "+table)
	must(err)
	at := time.UnixMilli(1_700_000_000_123).UTC()
	for number := uint64(0); number < 1000; number++ {
		must(batch.Append(number, "대화", []string{"x", "y"}, at))
	}
	must(batch.Send())
	rows, err := connection.Query(ctx, "SELECT a, b, c, t FROM "+table+" ORDER BY a")
	must(err)
	found := 0
	for rows.Next() {
		var a uint64
		var b string
		var c []string
		var t time.Time
		must(rows.Scan(&a, &b, &c, &t))
		if a != uint64(found) || b != "대화" || len(c) != 2 || !t.Equal(at) {
			panic(fmt.Sprint("row ", a, b, c, t))
		}
		found++
	}
	must(rows.Err())
	fmt.Println("read", found)
	none, err := connection.Query(ctx, "SELECT a FROM "+table+" WHERE a > 5000")
	must(err)
	fmt.Println("more", none.Next(), none.Err())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
