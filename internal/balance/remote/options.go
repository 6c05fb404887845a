package remote

import (
	"crypto/tls"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/model"
)

// Options say what to do.
type Options struct {
	Servers []string    // host:port of some brokers
	TLS     *tls.Config // nil: in the clear
	Out     io.Writer
	// DryRun plans, and changes nothing.
	DryRun bool
	// BytesPerSecond is the most that a broker sends, or is sent, for moves; 0 is no limit.
	BytesPerSecond int64
	// Empty are brokers that are to have nothing.
	Empty []model.NodeID
	// Topics are those that may move; none: all. The others count.
	Topics []string
	// Sample is how long traffic is measured for; 0: it is not, and does not count.
	Sample time.Duration
}

const (
	// movesMax is how many partitions are on the move at a time, and ordersMax how many
	// get another order, or an election, by one request: each is a record in the
	// metadata log, or two.
	movesMax, ordersMax = 50, 200
	// roomShare of a disk is left free.
	roomShare = 20
	// look is how often the brokers are asked how far they are.
	look = 500 * time.Millisecond
)

// session is a run of it, connected.
type session struct {
	Options
	admin *kadm.Client
}

// open returns a session, which is closed when it is not needed any more.
func (o Options) open() (*session, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(o.Servers...), kgo.MetadataMinAge(look / 5)} // what the client remembers is not asked for
	if o.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(o.TLS))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("--bootstrap-servers: %w", err)
	}
	return &session{Options: o, admin: kadm.NewClient(client)}, nil
}

func (o *session) close() { o.admin.Close() }
