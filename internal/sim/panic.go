package sim

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// guarded runs a cluster and takes a panic for a violation: raft panics where its
// log contradicts itself, and the machines where their own invariants do not hold.
func (c *cluster) guarded(run func()) {
	defer func() {
		if reason := recover(); reason != nil {
			checker, where := blame()
			c.checkers.fail(checker, "%v (%s)", reason, where)
		}
	}()
	run()
}

// blame says whose panic it is that is being recovered from, as a checker's name,
// and where it was. Raft's own has raft's code between it and this package.
func blame() (checker, where string) {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicking := false
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		function := path.Base(frame.Function) // package.name
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
			continue
		case !panicking, strings.HasPrefix(function, "runtime."), strings.HasPrefix(function, "quorum.raftLogger."):
			continue
		case where == "":
			where = fmt.Sprintf("%s:%d, %s", path.Base(frame.File), frame.Line, function)
		}
		switch {
		case strings.HasPrefix(frame.Function, "go.etcd.io/raft/"):
			return "RaftPanic", where
		case strings.HasPrefix(function, "sim."):
			return "Panic", where
		}
	}
	return "Panic", where
}
