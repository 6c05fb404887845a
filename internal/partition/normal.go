package partition

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// normalFile holds the normal epoch of every replica of the data directory
// (docs/replication.md), as text:
//
//	0                                  version
//	2                                  number of entries
//	2Vq0Hc5VQWu9sT2mM0qJ3w 0 17        topic id, partition, normal epoch
//	2Vq0Hc5VQWu9sT2mM0qJ3w 1 4
//	7d1f00aa                           CRC-32C of all before, in hexadecimal
//
// It goes by topic id: a topic that is deleted and made again begins without one.
// The file is replaced whole, for all partitions that wait: when a node dies,
// thousands of others become normal in a new epoch at once.
const normalFile = "normal-epoch-checkpoint"

const normalBytesMax = 256 << 20

// ErrNormalEpochs: the file cannot be read. Without it nobody knows what the
// directory's logs are worth in an election: it counts as one that has lost data.
var ErrNormalEpochs = errors.New(normalFile + " is damaged")

type normalKey struct {
	topic     model.TopicID
	partition model.Partition
}

// normals are the durable normal epochs, and who waits for one to become so.
type normals struct {
	fs   vfs.FS
	disk *storage.Disk
	dir  string
	wake chan struct{} // capacity 1

	write sync.Mutex // held while the file is written; before mu
	mu    struct {
		sync.Mutex
		epochs  map[normalKey]model.LeaderEpoch // as they are to be
		waiting []normalWaiter
	}
}

type normalWaiter struct {
	partition *Partition
	epoch     model.LeaderEpoch
}

func newNormals(o Options) *normals {
	n := &normals{fs: o.FS, disk: o.Disk, dir: o.Dir, wake: make(chan struct{}, 1)}
	n.mu.epochs = make(map[normalKey]model.LeaderEpoch)
	return n
}

func (p *Partition) normalKey() normalKey { return normalKey{p.topic, p.name.Partition} }

// load reads the file; it is called before anything else.
func (n *normals) load() error {
	path := filepath.Join(n.dir, normalFile)
	data, err := vfs.ReadFile(n.fs, path, normalBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	epochs, err := parseNormals(data)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", path, ErrNormalEpochs, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.epochs = epochs
	return nil
}

// of is what is durable for a partition.
func (n *normals) of(key normalKey) model.LeaderEpoch {
	n.mu.Lock()
	defer n.mu.Unlock()
	if epoch, ok := n.mu.epochs[key]; ok {
		return epoch
	}
	return model.NoLeaderEpoch
}

// save has an epoch made durable, and then tells the partition.
func (n *normals) save(p *Partition, epoch model.LeaderEpoch) {
	n.mu.Lock()
	n.mu.waiting = append(n.mu.waiting, normalWaiter{p, epoch})
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// drop forgets a deleted partition; the file follows when it is written next.
func (n *normals) drop(key normalKey) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.mu.epochs, key)
}

// forget forgets, durably, a partition whose directory is not there: its log has
// lost everything that the epoch stands for.
func (n *normals) forget(key normalKey) error {
	n.write.Lock()
	defer n.write.Unlock()
	n.mu.Lock()
	_, known := n.mu.epochs[key]
	if !known {
		n.mu.Unlock()
		return nil
	}
	delete(n.mu.epochs, key)
	data := formatNormals(n.mu.epochs)
	n.mu.Unlock()
	return n.disk.WriteFile(normalFile, data)
}

// restPerEntry is how long nothing is saved after the file was, for each of its entries:
// thousands that become normal one after the other, as a node takes up a topic, would
// have it written as many times. With 10,000 entries it takes some 8 ms of a processor.
const restPerEntry = 3 * time.Microsecond

// run saves until ctx ends.
func (n *normals) run(ctx context.Context) error {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-n.wake:
		case <-ctx.Done():
			return nil
		}
		select {
		case <-rest.C:
		case <-ctx.Done():
			return nil
		}
		entries, err := n.saveWaiting()
		if err != nil {
			return nil // the disk is fenced, which stops the node
		}
		rest.Reset(time.Duration(entries) * restPerEntry)
	}
}

// saveWaiting writes the file, and says how many entries it has.
func (n *normals) saveWaiting() (entries int, err error) {
	n.write.Lock()
	n.mu.Lock()
	waiting := n.mu.waiting
	n.mu.waiting = nil
	for _, w := range waiting {
		key := w.partition.normalKey()
		n.mu.epochs[key] = max(n.mu.epochs[key], w.epoch)
	}
	data := formatNormals(n.mu.epochs)
	entries = len(n.mu.epochs)
	n.mu.Unlock()
	err = n.disk.WriteFile(normalFile, data)
	n.write.Unlock()
	if err != nil {
		return entries, err
	}
	for _, w := range waiting {
		w.partition.normalSaved(w.epoch)
	}
	return entries, nil
}

func formatNormals(epochs map[normalKey]model.LeaderEpoch) []byte {
	keys := make([]normalKey, 0, len(epochs))
	for key := range epochs {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b normalKey) int {
		if order := bytes.Compare(a.topic[:], b.topic[:]); order != 0 {
			return order
		}
		return int(a.partition) - int(b.partition)
	})
	const entryBytes = 48
	b := fmt.Appendf(make([]byte, 0, entryBytes*(len(keys)+1)), "0\n%d\n", len(keys))
	var topic model.TopicID
	var text string
	for _, key := range keys {
		if text == "" || key.topic != topic {
			topic, text = key.topic, key.topic.String()
		}
		b = append(append(b, text...), ' ')
		b = append(strconv.AppendInt(b, int64(key.partition), 10), ' ')
		b = append(strconv.AppendInt(b, int64(epochs[key]), 10), '\n')
	}
	return fmt.Appendf(b, "%08x\n", crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func parseNormals(data []byte) (map[normalKey]model.LeaderEpoch, error) {
	body, sum, ok := cutLastLine(data)
	if !ok || sum != fmt.Sprintf("%08x", crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))) {
		return nil, errors.New("its checksum does not match")
	}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	count := 0
	if _, err := fmt.Sscanf(lines[0], "%d", &count); err != nil || count != 0 {
		return nil, fmt.Errorf("version %q is not known", lines[0])
	}
	if len(lines) < 2 {
		return nil, errors.New("it has no number of entries")
	}
	if _, err := fmt.Sscanf(lines[1], "%d", &count); err != nil || count != len(lines)-2 {
		return nil, fmt.Errorf("it has %d entries and says %q", len(lines)-2, lines[1])
	}
	epochs := make(map[normalKey]model.LeaderEpoch, count)
	for _, line := range lines[2:] {
		var id string
		var partition, epoch int32
		if _, err := fmt.Sscanf(line, "%s %d %d", &id, &partition, &epoch); err != nil {
			return nil, fmt.Errorf("entry %q: %w", line, err)
		}
		topic, err := model.ParseUUID(id)
		if err != nil || partition < 0 || epoch < 0 {
			return nil, fmt.Errorf("entry %q", line)
		}
		epochs[normalKey{topic, model.Partition(partition)}] = model.LeaderEpoch(epoch)
	}
	return epochs, nil
}

// cutLastLine takes the last line off, without its end.
func cutLastLine(data []byte) (body []byte, last string, ok bool) {
	whole, ok := bytes.CutSuffix(data, []byte("\n"))
	if !ok {
		return nil, "", false
	}
	at := bytes.LastIndexByte(whole, '\n')
	if at < 0 {
		return nil, "", false
	}
	return data[:at+1], string(whole[at+1:]), true
}
