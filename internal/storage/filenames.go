package storage

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chronik/chronik/internal/model"
)

// Every name that this package gives to a file. They are Kafka's, so that its
// tools find their way about.
//
//	<data dir>/
//	  recovery-point-offset-checkpoint   what need not be checked after a crash
//	  log-start-offset-checkpoint        starts that lie inside a segment
//	  cleaner-offset-checkpoint          how far compacted logs have been cleaned
//	  replication-offset-checkpoint      high watermarks (written by partition)
//	  <topic>-<partition>/
//	    00000000000000000000.log         record batches
//	    00000000000000000000.index       offset → position, sparse
//	    00000000000000000000.timeindex   timestamp → offset, sparse
//	    00000000000000000000.txnindex    aborted transactions, where there are any
//	    00000000000000000042.snapshot    producers as they were before offset 42
//	    leader-epoch-checkpoint          where each leader epoch begins
//	    partition.metadata               topic id
//	    *.deleted                        dropped, removed after file.delete.delay.ms
//	    *.cleaned, *.swap                a cleaning under way (see compact_swap.go)
//	  <topic>-<partition>.<uuid>-delete/ a deleted partition, removed likewise
//	  <topic>-<partition>.<uuid>-future/ a copy on its way from another directory (move.go)
const (
	logSuffix      = ".log"
	indexSuffix    = ".index"
	timeSuffix     = ".timeindex"
	txnSuffix      = ".txnindex"
	snapshotSuffix = ".snapshot"
	deletedSuffix  = ".deleted"
	cleanedSuffix  = ".cleaned"
	swapSuffix     = ".swap"
	tempSuffix     = ".tmp"

	deletedDirSuffix = "-delete"
	futureDirSuffix  = "-future"

	epochsFile   = "leader-epoch-checkpoint"
	metadataFile = "partition.metadata"

	// The checkpoint files of a data directory.
	RecoveryPointCheckpoint = "recovery-point-offset-checkpoint"
	LogStartCheckpoint      = "log-start-offset-checkpoint"
	CleanerCheckpoint       = "cleaner-offset-checkpoint"
	HighWatermarkCheckpoint = "replication-offset-checkpoint"
)

// baseName is the 20 digits that a segment's files begin with.
func baseName(base model.Offset) string { return fmt.Sprintf("%020d", base) }

// segmentPath is a segment's path without suffix.
func segmentPath(dir string, base model.Offset) string { return filepath.Join(dir, baseName(base)) }

// ParsePartitionDir is the partition that the name of a directory stands for.
func ParsePartitionDir(name string) (model.TopicPartition, bool) {
	at := strings.LastIndexByte(name, '-')
	if at <= 0 {
		return model.TopicPartition{}, false
	}
	number, err := strconv.ParseInt(name[at+1:], 10, 32)
	tp := model.TopicPartition{Topic: name[:at], Partition: model.Partition(number)}
	return tp, err == nil && number >= 0 && tp.String() == name
}

// parseName takes a segment file's name apart; ok is false for other files.
func parseName(name string) (base model.Offset, suffix string, ok bool) {
	digits, suffix, found := strings.Cut(name, ".")
	if !found || len(digits) != 20 {
		return 0, "", false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, "", false
	}
	return model.Offset(n), "." + suffix, true
}
