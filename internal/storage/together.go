package storage

import (
	"errors"
	"fmt"
	"time"
)

// togetherMin is how many logs have to wait for the file system to be synced as a whole,
// where it can be, rather than one log after the other (docs/adr/0013).
const togetherMin = 64

// A shared sync that takes longer than togetherMax has others' writes in it: somebody
// copies a large file to the same disk. Then logs are synced by themselves again, which
// on most file systems wait for their own bytes only, for togetherPause.
const (
	togetherMax   = 250 * time.Millisecond
	togetherPause = 10 * time.Second
)

// openVolume opens the data directory's file system, where it can be synced as a whole.
func (d *Disk) openVolume() {
	v, err := d.fs.Volume(d.dir)
	switch {
	case err == nil:
		d.volume = v
	case !errors.Is(err, errors.ErrUnsupported):
		_ = d.fail("open the file system of "+d.dir, err) // whoever waits hears of it by the fence
	}
}

// commitSome commits a log, and with it those that wait, where they are many.
func (d *Disk) commitSome(first *Log) {
	if d.volume == nil || d.commit.len() < togetherMin || time.Now().UnixNano() < d.alone.Load() {
		first.commit()
		return
	}
	d.commitTogether(first)
}

// together is a log whose commit shares a sync with others.
type together struct {
	log  *Log
	took unsynced
	some bool
}

// commitTogether commits a log and all that wait, with one sync of the file system.
//
// It holds the syncing locks of many logs at a time. Whoever else does holds one: so it
// waits for none, and leaves logs that are being cut or closed for after.
func (d *Disk) commitTogether(first *Log) {
	var all []together
	var busy []*Log
	for l := first; l != nil; l = d.commit.take() {
		if !l.syncing.TryLock() {
			busy = append(busy, l)
			continue
		}
		u, some := l.beginCommit()
		all = append(all, together{l, u, some})
	}
	began := time.Now()
	err := d.volume.Sync()
	took := time.Since(began)
	if took > togetherMax {
		d.alone.Store(time.Now().Add(togetherPause).UnixNano())
	}
	if err != nil {
		_ = d.fail(fmt.Sprintf("sync %d logs together", len(all)), err) // whoever waits hears of it by the fence
	}
	for _, t := range all {
		if t.some && err == nil {
			d.commits.observe(t.took.gathered, took)
		}
		t.log.endCommit(t.took, t.some && err == nil)
	}
	for _, l := range busy {
		l.commit()
	}
}
