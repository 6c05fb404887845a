package storage

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/chronik/chronik/internal/model"
)

// epochEntry: the first record of a leader epoch has, or would have had, this
// offset.
type epochEntry struct {
	epoch model.LeaderEpoch
	start model.Offset
}

// epochCache is where each leader epoch begins (KIP-101, KIP-279). It is a
// value: changing it returns another, so that readers may keep the old one.
//
// Invariant: epochs grow strictly, starts grow strictly. On disk it is Kafka's
// leader-epoch-checkpoint:
//
//	0            version
//	2            number of entries
//	0 0          epoch, start offset
//	3 117
type epochCache []epochEntry

func (c epochCache) latest() (epochEntry, bool) {
	if len(c) == 0 {
		return epochEntry{}, false
	}
	return c[len(c)-1], true
}

// assign adds an epoch. Entries that contradict it, being newer or beginning at
// or after it, go: an epoch without records leaves no trace once another
// begins at the same offset.
func (c epochCache) assign(epoch model.LeaderEpoch, start model.Offset) (epochCache, bool) {
	if last, ok := c.latest(); ok && epoch == last.epoch && start >= last.start {
		return c, false
	}
	keep := 0
	for keep < len(c) && c[keep].epoch < epoch && c[keep].start < start {
		keep++
	}
	next := make(epochCache, keep, keep+1)
	copy(next, c)
	return append(next, epochEntry{epoch, start}), true
}

// truncateEnd forgets epochs that begin at or after end.
func (c epochCache) truncateEnd(end model.Offset) (epochCache, bool) {
	keep := len(c)
	for keep > 0 && c[keep-1].start >= end {
		keep--
	}
	return c[:keep:keep], keep < len(c)
}

// truncateStart forgets epochs that ended before start. The one that start lies
// in now begins there.
func (c epochCache) truncateStart(start model.Offset) (epochCache, bool) {
	drop := 0
	for drop < len(c) && c[drop].start < start {
		drop++
	}
	if drop == 0 {
		return c, false
	}
	next := make(epochCache, 0, len(c)-drop+1)
	if drop == len(c) || c[drop].start > start {
		next = append(next, epochEntry{c[drop-1].epoch, start})
	}
	return append(next, c[drop:]...), true
}

// end is Kafka's endOffsetFor: the greatest epoch at most asked, and where it ends.
func (c epochCache) end(asked model.LeaderEpoch, logEnd model.Offset) EpochEnd {
	unknown := EpochEnd{Epoch: model.NoLeaderEpoch, EndOffset: model.NoOffset}
	last, ok := c.latest()
	switch {
	case asked < 0 || !ok || asked > last.epoch:
		return unknown
	case asked == last.epoch:
		return EpochEnd{Epoch: asked, EndOffset: logEnd}
	}
	higher := 0 // the first entry above asked; there is one
	for c[higher].epoch <= asked {
		higher++
	}
	if higher == 0 { // older than everything held: it has no records here
		return EpochEnd{Epoch: asked, EndOffset: c[0].start}
	}
	return EpochEnd{Epoch: c[higher-1].epoch, EndOffset: c[higher].start}
}

// at is the epoch that the record at offset was written in.
func (c epochCache) at(offset model.Offset) (model.LeaderEpoch, bool) {
	for i := len(c) - 1; i >= 0; i-- {
		if c[i].start <= offset {
			return c[i].epoch, true
		}
	}
	return model.NoLeaderEpoch, false
}

func (c epochCache) format() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "0\n%d\n", len(c))
	for _, e := range c {
		fmt.Fprintf(&b, "%d %d\n", e.epoch, e.start)
	}
	return b.Bytes()
}

func parseEpochs(path string, data []byte) (epochCache, error) {
	lines, err := checkpointLines(path, data)
	if err != nil {
		return nil, err
	}
	c := make(epochCache, 0, len(lines))
	for i, line := range lines {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return nil, corruptLine(path, i, line)
		}
		epoch, err1 := strconv.ParseInt(fields[0], 10, 32)
		start, err2 := strconv.ParseInt(fields[1], 10, 64)
		if err1 != nil || err2 != nil || epoch < 0 || start < 0 {
			return nil, corruptLine(path, i, line)
		}
		e := epochEntry{model.LeaderEpoch(epoch), model.Offset(start)}
		if last, ok := c.latest(); ok && (e.epoch <= last.epoch || e.start <= last.start) {
			return nil, corruptLine(path, i, line)
		}
		c = append(c, e)
	}
	return c, nil
}
