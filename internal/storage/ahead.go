package storage

// Zeros are written ahead of a log's end where its syncs are small
// (docs/adr/0008): a sync that makes the file longer has the file system commit
// its journal as well, and one over blocks that are there does not. Measured on
// ext4 with 4 KiB: 0.25 and 0.13 ms, the writing of the zeros included.
//
// Whatever makes the file end where its batches do also takes the zeros back:
// roll, Close, truncation and recovery.
const (
	// aheadBytesMax is the most that is written ahead at a time. More of it saves
	// nothing that could be measured, and 64 KiB a little less.
	aheadBytesMax = 256 << 10
	// aheadSyncsMin is how many syncs a piece has to serve: up to 16 KiB each. A
	// log whose syncs are larger would write its bytes twice for nothing: at
	// 32 KiB the gain is not sure any more, at 256 KiB it is gone.
	aheadSyncsMin = 16
	// aheadBlock is what a file system gives a file at once.
	aheadBlock = 4 << 10
)

// aheadState is what a log knows of its zeros; Log.write guards it.
type aheadState struct {
	filledTo     int64 // the active segment's file has zeros from its end up to here; less: none
	bytesWritten int64 // since the last piece, or since it was last found not to be worth it
	syncsBefore  int64 // commitState.syncs then
}

// aheadNeed is what the decision goes by.
type aheadNeed struct {
	end, filledTo int64 // of the segment
	limit         int64 // segment.bytes
	logBytes      int64 // of the log up to end; what a log that is small yet may double
	bytes, syncs  int64 // written and synced since the last decision
}

// decide tells up to where to write zeros, 0 for not, and whether bytes and
// syncs are to be counted anew.
func (n aheadNeed) decide() (to int64, anew bool) {
	if n.end <= n.filledTo {
		return 0, false
	}
	piece := min(max(n.logBytes, aheadBlock), aheadBytesMax)
	if n.syncs < aheadSyncsMin || n.bytes > n.syncs*(piece/aheadSyncsMin) {
		return 0, n.bytes >= aheadBytesMax
	}
	to = (n.end + piece + aheadBlock - 1) / aheadBlock * aheadBlock
	if to = min(to, n.limit); to <= n.end {
		return 0, true
	}
	return to, true
}

// writeAhead writes zeros behind a run that has just been written, where that
// pays. The sync that makes the run durable takes them along.
//
// Crash points: any part of the zeros may be there, and the file be as long as
// with all of them. Recovery finds no batch in them and cuts them off; a tail
// of nothing but zeros is no loss.
func (l *Log) writeAhead(s *segment, run, end int64) error {
	a := &l.write.ahead
	a.bytesWritten += run
	syncs := l.syncs.Load()
	need := aheadNeed{end: end, filledTo: a.filledTo, limit: l.config().SegmentBytes, logBytes: end,
		bytes: a.bytesWritten, syncs: syncs - a.syncsBefore}
	if l.segments[0] != s {
		need.logBytes += aheadBytesMax // a log with full segments is not small
	}
	to, anew := need.decide()
	if anew {
		a.bytesWritten, a.syncsBefore = 0, syncs
	}
	if to == 0 {
		return nil
	}
	if _, err := s.file.WriteAt(l.disk.zeros[:to-end], end); err != nil {
		return err
	}
	a.filledTo = to
	return nil
}
