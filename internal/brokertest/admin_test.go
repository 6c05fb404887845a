package brokertest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What clients did stands in the metrics, under Kafka's names, and the other pages
// know of it.
func TestAdminListener(t *testing.T) {
	served := readyLine{slog.DiscardHandler, make(chan string, 1)}
	b := start(t, t.TempDir(), slog.New(served))
	admin := "http://" + <-served.admin

	ctx := Context(t)
	c := b.Client(kgo.DefaultProduceTopic("orders"), kgo.AllowAutoTopicCreation(), kgo.ConsumeTopics("orders"))
	for range 3 {
		if err := c.ProduceSync(ctx, kgo.StringRecord("value")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for got := 0; got < 3; {
		fetched := c.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		got += fetched.NumRecords()
	}
	c.Close() // what is in flight is answered and counted

	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page(t, admin+"/metrics")))
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string, labels ...string) float64 {
		for _, m := range families[name].GetMetric() {
			var has []string
			for _, l := range m.GetLabel() {
				has = append(has, l.GetName()+"="+l.GetValue())
			}
			if strings.Join(has, ",") == strings.Join(labels, ",") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		t.Errorf("there is no %s of %v", name, labels)
		return -1
	}
	for name, want := range map[string]float64{
		"kafka_server_brokertopicmetrics_messagesin_total":            3,
		"kafka_server_brokertopicmetrics_failedproducerequests_total": 0,
	} {
		if each, all := value(name, "topic=orders"), value(name); each != want || all != want {
			t.Errorf("%s is %v of the topic and %v of all, want %v", name, each, all, want)
		}
	}
	in, out := value("kafka_server_brokertopicmetrics_bytesin_total"), value("kafka_server_brokertopicmetrics_bytesout_total")
	if in <= 0 || out < in {
		t.Errorf("%v bytes came in and %v went out, of three records that were read", in, out)
	}
	if n := value("kafka_network_requestmetrics_totaltimems_count", "request=Produce"); n < 1 {
		t.Errorf("%v produce requests", n)
	}
	if end := value("kafka_log_log_logendoffset", "topic=orders", "partition=0"); end != 3 {
		t.Errorf("the log ends at %v", end)
	}
	if n := value("kafka_log_logflushstats_logflushrateandtimems_count"); n < 3 {
		t.Errorf("%v syncs, of three records that were acknowledged one after the other", n)
	}

	var partitions []struct {
		Topic  string `json:"topic"`
		LogEnd int    `json:"log_end"`
	}
	if err := json.Unmarshal([]byte(page(t, admin+"/debug/partitions?topic=orders")), &partitions); err != nil || len(partitions) != 1 || partitions[0].LogEnd != 3 {
		t.Errorf("partitions %+v, %v", partitions, err)
	}
	page(t, admin+"/healthz")
	page(t, admin+"/readyz")
}

// page is a page that is there.
func page(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(Context(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true // no connection is left for the broker to wait for
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", url, response.Status, err, body)
	}
	return string(body)
}

// readyLine finds in brokers' logs where their admin listeners are.
type readyLine struct {
	slog.Handler
	admin chan string
}

func (readyLine) Enabled(context.Context, slog.Level) bool { return true }

func (r readyLine) WithAttrs(attrs []slog.Attr) slog.Handler {
	return readyLine{r.Handler.WithAttrs(attrs), r.admin}
}

func (r readyLine) Handle(ctx context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "admin" {
			r.admin <- a.Value.String()
		}
		return a.Key != "admin"
	})
	if r.Handler.Enabled(ctx, record.Level) {
		return r.Handler.Handle(ctx, record)
	}
	return nil
}
