package storage

import (
	"bytes"
	"testing"

	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

// A follower's log leaves the page cache but for its end; a leader's does not, nor does
// one that consumers read.
func TestFollowersRecordsLeaveThePageCache(t *testing.T) {
	const batch, total = 1 << 20, 40 << 20
	for name, c := range map[string]struct {
		follows, reads, keeps bool
		share                 int64
	}{
		"a follower":                    {follows: true, share: 1},
		"a follower with memory enough": {follows: true, share: total, keeps: true},
		"a follower with no limit":      {follows: true, keeps: true},
		"a follower that is read":       {follows: true, share: 1, reads: true, keeps: true},
		"a leader":                      {share: 1, keeps: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := lendBench(t)
			b.needsCachestat()
			config := *b.log.config()
			config.SegmentBytes = 2 * total
			b.log.SetConfig(config)
			b.disk.followedBytes = c.share
			for at := b.log.EndOffset(); b.log.Size() < total; at++ {
				if c.follows {
					bl := record.NewBuilder(record.BuildOptions{BaseOffset: at})
					bl.Append(testNow, nil, bytes.Repeat([]byte("v"), batch))
					_, err := b.log.AppendFollower(bl.Build())
					b.must(err)
				} else {
					b.large(batch)
				}
				b.sync()
				if c.reads {
					_, err := b.log.Read(Read{From: at, To: at + 1, MaxBytes: 1})
					b.must(err)
				}
			}
			file, _ := vfs.OSFile(b.log.active().file.File)
			if got := vfs.InMemory(file, 0, 4<<10) && vfs.InMemory(file, 16<<20, 4<<10); got != c.keeps {
				t.Errorf("in memory: %t, want %t", got, c.keeps)
			}
			if !vfs.InMemory(file, b.log.Size()-followedBytesMin, followedBytesMin) {
				t.Error("its end is not in memory")
			}
		})
	}
}
