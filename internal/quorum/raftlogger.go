package quorum

import (
	"fmt"
	"log/slog"
	"os"
)

// raftLogger writes what the Raft library says at debug level: what an operator
// should know the quorum says itself.
type raftLogger struct{ l *slog.Logger }

func (r raftLogger) Debug(v ...any) { r.l.Debug("raft", "says", fmt.Sprint(v...)) }
func (r raftLogger) Debugf(format string, v ...any) {
	r.l.Debug("raft", "says", fmt.Sprintf(format, v...))
}
func (r raftLogger) Info(v ...any)                    { r.Debug(v...) }
func (r raftLogger) Infof(format string, v ...any)    { r.Debugf(format, v...) }
func (r raftLogger) Warning(v ...any)                 { r.Debug(v...) }
func (r raftLogger) Warningf(format string, v ...any) { r.Debugf(format, v...) }
func (r raftLogger) Error(v ...any)                   { r.l.Warn("raft", "says", fmt.Sprint(v...)) }
func (r raftLogger) Errorf(format string, v ...any) {
	r.l.Warn("raft", "says", fmt.Sprintf(format, v...))
}

// Fatal and Panic are the library's: it has found a state that must not be.

func (r raftLogger) Fatal(v ...any) {
	r.l.Error("raft found a state that must not be", "says", fmt.Sprint(v...))
	os.Exit(1)
}

func (r raftLogger) Fatalf(format string, v ...any) { r.Fatal(fmt.Sprintf(format, v...)) }
func (r raftLogger) Panic(v ...any)                 { panic("raft: BUG: " + fmt.Sprint(v...)) }
func (r raftLogger) Panicf(format string, v ...any) { r.Panic(fmt.Sprintf(format, v...)) }
