package config

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

const (
	// goShare is how much of a container's limit the Go runtime is given. The
	// rest is for what its limit does not count: the binary, thread stacks, and
	// the kernel's socket buffers, which a cgroup charges to us.
	goSharePercent = 90
	// Requests get a quarter of the memory, within bounds: a few requests must
	// fit on a small machine, and a broker on a large one keeps the rest for the
	// page cache, which serves consumers.
	requestShare       = 4
	requestBytesLeast  = 32 << 20
	requestBytesMost   = 1 << 30
	requestBytesUnsure = 256 << 20 // where the memory is not known
)

// readMemory finds how much memory there is: the container's limit (cgroup v2 or
// v1), or else the machine's.
func readMemory(s Surroundings) Memory {
	if s.Root == nil {
		return Memory{}
	}
	machine := machineMemory(s.Root)
	limit := cgroupLimit(s.Root)
	if machine > 0 && limit >= machine {
		limit = 0 // cgroup v1 says "none" with a number near 2^63
	}
	if limit <= 0 {
		return Memory{AvailableBytes: machine}
	}
	m := Memory{AvailableBytes: limit, GoLimitBytes: limit / 100 * goSharePercent}
	if lookupEnvironment(s.Environ, "GOMEMLIMIT") != "" {
		m.GoLimitBytes = 0 // somebody knows better, and the runtime has read it
	}
	return m
}

// forRequests is the default of queued.max.request.bytes.
func (m Memory) forRequests() int64 {
	if m.AvailableBytes <= 0 {
		return requestBytesUnsure
	}
	return min(max(m.AvailableBytes/requestShare, requestBytesLeast), requestBytesMost)
}

// cgroupLimit is the least limit of this process's group and those around it; 0
// where there is none.
func cgroupLimit(root fs.FS) int64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := int64(math.MaxInt64)
	for line := range bytes.Lines(groups) {
		// hierarchy:controllers:path; version 2 has hierarchy 0 and no controllers.
		parts := strings.SplitN(strings.TrimSpace(string(line)), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[0] == "0" && parts[1] == "":
			least = min(least, leastLimit(root, "sys/fs/cgroup", parts[2], "memory.max"))
		case hasController(parts[1], "memory"):
			least = min(least, leastLimit(root, "sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes"))
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

func hasController(list, name string) bool {
	for controller := range strings.SplitSeq(list, ",") {
		if controller == name {
			return true
		}
	}
	return false
}

// leastLimit walks from a group up to the root. In a container the group's own
// path may not be visible, and the mount's top is the container's group.
func leastLimit(root fs.FS, mount, group, file string) int64 {
	least := int64(math.MaxInt64)
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		if n, ok := readNumber(root, path.Join(mount, dir, file)); ok {
			least = min(least, n)
		}
		if dir == "/" {
			return least
		}
	}
}

func readNumber(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // "max" is no number, and no limit
	return n, err == nil && n > 0
}

// machineMemory is MemTotal; 0 where there is no /proc.
func machineMemory(root fs.FS) int64 {
	f, err := root.Open("proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close() //nolint:errcheck // nothing was written
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && fields[0] == "MemTotal:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil || kib > math.MaxInt64>>10 {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}
