package brokertest

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

var (
	crashRounds = flag.Int("crash.rounds", 2, "how often the crash test kills the broker")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of the crash test's moments; 0 takes one from the clock")
)

const crashPartitions = 3

// Goal: what was acknowledged survives kill -9, in order and once. Method: one
// idempotent producer writes numbers to three partitions without pause while
// the process is killed at random moments and started again on its directory;
// at the end everything is read back and compared with what was acknowledged.
func TestCrashKeepsEveryAcknowledgedRecordOnceAndInOrder(t *testing.T) {
	if *crashSeed == 0 {
		*crashSeed = uint64(time.Now().UnixNano())
	}
	t.Logf("-crash.seed=%d -crash.rounds=%d", *crashSeed, *crashRounds)
	rng := rand.New(rand.NewPCG(*crashSeed, 0))
	server, port := Build(t), FreePort(t)
	args := []string{"--kafka-port", port, "--data-dir", t.TempDir(), "--log-format", "text",
		"--override", "num.partitions=3", "--override", "log.segment.bytes=1048576"}
	process := StartProcess(t, server, args...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*crashRounds)*10*time.Second+time.Minute)
	defer cancel()

	load := startCrashLoad(ctx, Client(t, "localhost:"+port, crashLoadOptions()...))
	for range *crashRounds {
		load.awaitAcks(ctx, t, 200+rng.IntN(3000))
		process.Kill()
		process = StartProcess(t, server, args...)
	}
	load.awaitAcks(ctx, t, 500)
	acked := load.finish(ctx, t)
	readBackCrashed(ctx, t, "localhost:"+port, acked)
	if err := process.Interrupt(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// crashLoad produces numbered records and remembers what was acknowledged.
type crashLoad struct {
	client *kgo.Client
	stop   context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	more   *sync.Cond
	acked  int
	next   [crashPartitions]uint64 // numbers sent, by partition
	failed error
}

// crashLoadOptions are of the client of a crashLoad.
func crashLoadOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.DefaultProduceTopic("crash"), kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordRetries(1_000_000), kgo.ProducerLinger(0),
		kgo.RecordDeliveryTimeout(2 * time.Minute), kgo.MaxBufferedRecords(2000), kgo.UnknownTopicRetries(-1),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }), kgo.MetadataMinAge(20 * time.Millisecond),
	}
}

func startCrashLoad(ctx context.Context, client *kgo.Client) *crashLoad {
	ctx, stop := context.WithCancel(ctx)
	l := &crashLoad{client: client, stop: stop, done: make(chan struct{})}
	l.more = sync.NewCond(&l.mu)
	go l.run(ctx)
	return l
}

func (l *crashLoad) run(ctx context.Context) {
	defer close(l.done)
	for i := 0; ctx.Err() == nil; i++ {
		partition := i % crashPartitions
		value := binary.BigEndian.AppendUint64(make([]byte, 0, 100), l.next[partition])
		l.next[partition]++
		// Blocks while too much is unacknowledged.
		l.client.Produce(context.WithoutCancel(ctx), &kgo.Record{Partition: int32(partition), Value: append(value, make([]byte, 92)...)}, func(_ *kgo.Record, err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.acked++
			if err != nil && l.failed == nil {
				l.failed = err
			}
			l.more.Broadcast()
		})
	}
}

// awaitAcks waits for n more acknowledgements.
func (l *crashLoad) awaitAcks(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	defer context.AfterFunc(ctx, l.more.Broadcast)()
	l.mu.Lock()
	defer l.mu.Unlock()
	for target := l.acked + n; l.acked < target && l.failed == nil && ctx.Err() == nil; {
		l.more.Wait()
	}
	if l.failed != nil || ctx.Err() != nil {
		t.Fatalf("producing: %v, %v, after %d acknowledged", l.failed, ctx.Err(), l.acked)
	}
}

// finish waits for everything sent to be acknowledged, and returns how many
// that were in each partition.
func (l *crashLoad) finish(ctx context.Context, t *testing.T) [crashPartitions]uint64 {
	t.Helper()
	l.stop()
	<-l.done
	if err := l.client.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		t.Fatalf("a record was not acknowledged: %v", l.failed)
	}
	t.Logf("acknowledged: %v", l.next)
	return l.next
}

// readBackCrashed reads the topic from start to end.
func readBackCrashed(ctx context.Context, t *testing.T, addr string, acked [crashPartitions]uint64) {
	t.Helper()
	client := Client(t, addr, kgo.ConsumeTopics("crash"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, "crash")
	if err != nil {
		t.Fatal(err)
	}
	var got [crashPartitions]uint64
	for p := range got {
		end, _ := ends.Lookup("crash", int32(p))
		if uint64(end.Offset) != acked[p] {
			t.Errorf("partition %d ends at %d; %d records were acknowledged", p, end.Offset, acked[p])
		}
	}
	for got != acked {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("reading back: %v, with %v of %v", err, got, acked)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if err := checkCrashed(r, got[r.Partition]); err != nil {
				t.Fatal(err)
			}
			got[r.Partition]++
		})
	}
}

func checkCrashed(r *kgo.Record, want uint64) error {
	if len(r.Value) != 100 {
		return fmt.Errorf("partition %d offset %d: %d bytes", r.Partition, r.Offset, len(r.Value))
	}
	if n := binary.BigEndian.Uint64(r.Value); n != want || uint64(r.Offset) != want {
		return fmt.Errorf("partition %d offset %d holds number %d, want %d", r.Partition, r.Offset, n, want)
	}
	return nil
}

var bytesChecked = regexp.MustCompile(`Recovered after a stop that was not clean.* bytes_checked=(\d+)`)

// Goal: kill -9 costs a check of what was written since the last checkpoint, not
// since the last clean stop, and the start says how much that was. Method: write
// two megabytes, wait until the recovery point has passed them, write a little,
// kill, and read what the next start says; a checkpoint that never comes is the
// control.
func TestCrashAfterACheckpointChecksWhatCameAfter(t *testing.T) {
	const written, little = 2 << 20, 1000
	server := Build(t)
	for _, checkpointed := range []bool{true, false} {
		port, dir, interval := FreePort(t), t.TempDir(), "3600000"
		if checkpointed {
			interval = "1"
		}
		args := []string{"--kafka-port", port, "--data-dir", dir, "--log-format", "text",
			"--override", "log.flush.offset.checkpoint.interval.ms=" + interval}
		process := StartProcess(t, server, args...)
		client := Client(t, "localhost:"+port, kgo.DefaultProduceTopic("t"), kgo.AllowAutoTopicCreation(),
			kgo.ProducerBatchCompression(kgo.NoCompression()))
		ctx := Context(t)
		for range written / (64 << 10) {
			value := make([]byte, 64<<10)
			if err := client.ProduceSync(ctx, kgo.SliceRecord(value)).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		for checkpointed && recoveryPoint(t, dir) < written/(64<<10) {
			if ctx.Err() != nil {
				t.Fatalf("the recovery point is %d", recoveryPoint(t, dir))
			}
		}
		if err := client.ProduceSync(ctx, kgo.SliceRecord(make([]byte, little))).FirstErr(); err != nil {
			t.Fatal(err)
		}
		process.Kill()
		process = StartProcess(t, server, args...)
		said := bytesChecked.FindStringSubmatch(process.Log())
		if said == nil {
			t.Fatalf("the start did not say how much it checked:\n%s", process.Log())
		}
		checked, err := strconv.Atoi(said[1])
		// From the last entry of the index on: the last batch below the point too.
		if most := little + 2*(64<<10+200); err != nil || checkpointed && checked > most || !checkpointed && checked < written {
			t.Errorf("checkpointed %t: %s bytes checked, %d written, of them %d after the checkpoint", checkpointed, said[1], written+little, little)
		}
		process.Kill()
	}
}

// recoveryPoint is what the file says of partition t-0; 0 where nothing.
func recoveryPoint(t *testing.T, dir string) model.Offset {
	t.Helper()
	points, err := storage.ReadOffsetCheckpoint(vfs.OS(), dir, storage.RecoveryPointCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	return points[model.TopicPartition{Topic: "t"}]
}
