package broker

import "math"

// filesForOthers of a process's open files are left to what is no partition's log, but a
// tenth at least: connections, old segments that are read, the metadata.
const filesForOthers = 512

// logsMax is how many partitions a process may hold with so many open files: each keeps
// the segment open that is written. 0: any number.
func logsMax(files uint64) int {
	switch {
	case files == 0 || files > math.MaxInt32:
		return 0
	case files <= 2*filesForOthers:
		return int(files / 2)
	}
	return int(files - max(filesForOthers, files/10))
}
