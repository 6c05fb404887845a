package brokertest

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/broker"
	"github.com/chronik/chronik/internal/certificate/certtest"
	"github.com/chronik/chronik/internal/config"
)

// secured is a broker whose listener speaks SSL, and what its clients need.
type secured struct {
	*Broker
	authority *certtest.Authority
	dir       string // of its PEM files
}

// startSecured runs a broker with an authority and a certificate of its own.
func startSecured(t *testing.T, settings ...string) secured {
	t.Helper()
	s := secured{authority: certtest.NewAuthority(t, "ca"), dir: t.TempDir()}
	s.keystore(t, s.authority, "node")
	s.Broker = Start(t, t.TempDir(), append([]string{
		"listeners=SSL://127.0.0.1:0", "offsets.topic.num.partitions=1",
		"ssl.keystore.location=" + filepath.Join(s.dir, "keystore.pem"),
		"ssl.truststore.location=" + certtest.Write(t, s.dir, "truststore.pem", s.authority.PEM),
	}, settings...)...)
	return s
}

// keystore gives the broker a certificate, as whoever renews it should: in one step.
func (s secured) keystore(t testing.TB, by *certtest.Authority, name string) {
	t.Helper()
	pair := by.Issue(t, pkix.Name{CommonName: name})
	next := certtest.Write(t, s.dir, "next.pem", pair.Certificate, pair.Key)
	if err := os.Rename(next, filepath.Join(s.dir, "keystore.pem")); err != nil {
		t.Fatal(err)
	}
}

// client is a client's TLS, with a certificate of an authority's; nil: without.
func (s secured) client(t testing.TB, by *certtest.Authority) *tls.Config {
	t.Helper()
	c := &tls.Config{RootCAs: s.authority.Pool()}
	if by != nil {
		pair := by.Issue(t, pkix.Name{CommonName: "alice"})
		certificate, err := tls.X509KeyPair([]byte(pair.Certificate), []byte(pair.Key))
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{certificate}
	}
	return c
}

// The client libraries over TLS, with certificates of their own and without.
func TestClientsProduceAndConsumeOverTLS(t *testing.T) {
	for _, auth := range []string{"none", "requested", "required"} {
		t.Run(auth, func(t *testing.T) {
			s := startSecured(t, "ssl.client.auth="+auth)
			config := s.client(t, nil)
			if auth == "required" {
				config = s.client(t, s.authority)
			}
			t.Run("franz-go", func(t *testing.T) { s.franz(t, config) })
			t.Run("sarama", func(t *testing.T) { s.sarama(t, config) })
			t.Run("kafka-go", func(t *testing.T) { s.kafkaGo(t, config) })
		})
	}
}

func (s secured) franz(t *testing.T, config *tls.Config) {
	ctx := Context(t)
	c := s.Client(kgo.DialTLSConfig(config), kgo.DefaultProduceTopic("franz"), kgo.ConsumeTopics("franz"), kgo.AllowAutoTopicCreation(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprintf("%d %s", i, strings.Repeat("x", 1000)))
		c.Produce(ctx, kgo.StringRecord(want[i]), nil)
	}
	if err := c.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got := consume(ctx, t, c, len(want)); !slices.Equal(got, want) {
		t.Errorf("read back %d records that are not the %d produced", len(got), len(want))
	}
}

func (s secured) sarama(t *testing.T, config *tls.Config) {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_8_0_0
	cfg.Net.TLS.Enable, cfg.Net.TLS.Config = true, config
	cfg.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer([]string{s.Addr}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for i := range 50 {
		message := &sarama.ProducerMessage{Topic: "sarama", Value: sarama.StringEncoder(fmt.Sprint(i))}
		if _, offset, err := producer.SendMessage(message); err != nil || offset != int64(i) {
			t.Fatalf("record %d: offset %d, %v", i, offset, err)
		}
	}
	consumer, err := sarama.NewConsumer([]string{s.Addr}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition("sarama", 0, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer partition.Close()
	for i := range 50 {
		if m := <-partition.Messages(); string(m.Value) != fmt.Sprint(i) {
			t.Fatalf("record %d is %q", i, m.Value)
		}
	}
}

func (s secured) kafkaGo(t *testing.T, config *tls.Config) {
	ctx := Context(t)
	writer := &kafkago.Writer{
		Addr: kafkago.TCP(s.Addr), Topic: "kafka-go", AllowAutoTopicCreation: true, RequiredAcks: kafkago.RequireAll, BatchSize: 10,
		Transport: &kafkago.Transport{TLS: config},
	}
	defer writer.Close()
	var messages []kafkago.Message
	for i := range 50 {
		messages = append(messages, kafkago.Message{Value: fmt.Append(nil, i)})
	}
	if err := writer.WriteMessages(ctx, messages...); err != nil {
		t.Fatal(err)
	}
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: []string{s.Addr}, Topic: "kafka-go", GroupID: "group", StartOffset: kafkago.FirstOffset, MaxWait: 100 * time.Millisecond,
		Dialer: &kafkago.Dialer{TLS: config},
	})
	defer reader.Close()
	for i := range 50 {
		if m, err := reader.ReadMessage(ctx); err != nil || string(m.Value) != fmt.Sprint(i) {
			t.Fatalf("record %d is %q, %v", i, m.Value, err)
		}
	}
}

// Who shows no certificate, or one of another authority's, is not served; and a client
// that knows another authority does not believe the broker.
func TestStrangersAreNotServedOverTLS(t *testing.T) {
	s := startSecured(t, "ssl.client.auth=required")
	another := certtest.NewAuthority(t, "ca")
	for name, config := range map[string]*tls.Config{
		"no certificate":                  s.client(t, nil),
		"another authority's":             s.client(t, another),
		"does not know the broker's own":  {RootCAs: another.Pool(), Certificates: s.client(t, s.authority).Certificates},
		"speaks an older version than is": {RootCAs: s.authority.Pool(), MaxVersion: tls.VersionTLS11},
	} {
		c := s.Client(kgo.DialTLSConfig(config), kgo.RequestRetries(0))
		if err := c.Ping(Context(t)); err == nil {
			t.Errorf("%s: is served", name)
		}
	}
	if err := s.Client(kgo.RequestRetries(0)).Ping(Context(t)); err == nil {
		t.Error("without TLS: is served")
	}
}

// A renewed certificate is served without a restart, and open connections stay.
func TestRenewedCertificateIsServed(t *testing.T) {
	s := startSecured(t)
	ctx := Context(t)
	before := s.Client(kgo.DialTLSConfig(s.client(t, nil)))
	if err := before.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	s.keystore(t, s.authority, "renewed")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for name := ""; name != "renewed"; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still serves %s", name)
		}
		c, err := tls.Dial("tcp", s.Addr, s.client(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		name = c.ConnectionState().PeerCertificates[0].Subject.CommonName
		c.Close()
	}
	if err := before.Ping(ctx); err != nil {
		t.Error(err)
	}
}

// Nobody is told a private key, or what Kafka takes for a secret besides.
func TestKeysAreNotDescribed(t *testing.T) {
	authority := certtest.NewAuthority(t, "ca")
	pair := authority.Issue(t, pkix.Name{CommonName: "node"})
	b := Start(t, t.TempDir(), "listeners=SSL://127.0.0.1:0", "ssl.keystore.certificate.chain="+pair.Certificate, "ssl.keystore.key="+pair.Key,
		"ssl.client.auth=requested", "ssl.truststore.certificates="+authority.PEM)
	c := b.Client(kgo.DialTLSConfig(&tls.Config{RootCAs: authority.Pool()}))
	described, err := kadm.NewClient(c).DescribeBrokerConfigs(Context(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, config := range described[0].Configs {
		for _, synonym := range config.Synonyms {
			if synonym.Value != nil && strings.Contains(*synonym.Value, "-----BEGIN") {
				t.Errorf("a synonym of %s is shown", config.Key)
			}
		}
		switch config.Key {
		case "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.truststore.certificates":
			shown++
			if config.Value != nil || !config.Sensitive {
				t.Errorf("%s is shown", config.Key)
			}
		}
	}
	if shown != 3 {
		t.Errorf("%d of 3 settings are listed", shown)
	}
}

// Listeners with TLS and without stand side by side, and each advertises its own.
func TestListenersWithTLSAndWithout(t *testing.T) {
	plain := "127.0.0.1:" + FreePort(t)
	s := startSecured(t, "listeners=OUT://127.0.0.1:0,PLAINTEXT://"+plain, "listener.security.protocol.map=OUT:SSL", "listener.name.out.ssl.enabled.protocols=TLSv1.3")
	ctx := Context(t)
	for addr, opts := range map[string][]kgo.Opt{s.Addr: {kgo.DialTLSConfig(s.client(t, nil))}, plain: nil} {
		c := Client(t, addr, append(opts, kgo.DefaultProduceTopic("both"), kgo.AllowAutoTopicCreation())...)
		if err := c.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr(); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
		told, err := kadm.NewClient(c).BrokerMetadata(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := net.JoinHostPort(told.Brokers[0].Host, fmt.Sprint(told.Brokers[0].Port)); got != addr {
			t.Errorf("at %s clients are told %s", addr, got)
		}
	}
	if c, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: s.authority.Pool(), MaxVersion: tls.VersionTLS12}); err == nil {
		c.Close()
		t.Error("a listener of TLS 1.3 alone speaks 1.2")
	}
}

// A keystore that cannot be used stops the start, before anything is touched.
func TestUselessKeystoreStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	data, absent := filepath.Join(dir, "data"), filepath.Join(dir, "absent.pem")
	set := pflag.NewFlagSet("chronik-server", pflag.ContinueOnError)
	flags := config.NewFlags(set)
	if err := set.Parse([]string{"--data-dir", data, "-o", "listeners=SSL://127.0.0.1:0", "-o", "ssl.keystore.location=" + absent}); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(flags, config.Surroundings{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.New(broker.Options{Config: cfg, Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	err = b.Run(t.Context())
	if want := "listener SSL: ssl.keystore.location: " + absent + " cannot be read: no such file or directory; name a PEM file that this process may read"; err == nil || err.Error() != want {
		t.Errorf("Run: %v\nwant %s", err, want)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the data directory was made: %v", err)
	}
}
