package quorum

import (
	"context"
	"fmt"
	"log/slog"
)

// raftLogger takes raft's own log lines, which are for people who debug raft: what
// counts is logged by Machine. Raft panics through it where its state, or what it
// reads of the storage, contradicts itself.
type raftLogger struct{ to *slog.Logger }

func (l raftLogger) line(v ...any) {
	if l.to.Enabled(context.Background(), slog.LevelDebug) {
		l.to.Debug("raft", "line", fmt.Sprint(v...))
	}
}

func (l raftLogger) linef(format string, v ...any) {
	if l.to.Enabled(context.Background(), slog.LevelDebug) {
		l.to.Debug("raft", "line", fmt.Sprintf(format, v...))
	}
}

func (l raftLogger) Debug(v ...any)                   { l.line(v...) }
func (l raftLogger) Debugf(format string, v ...any)   { l.linef(format, v...) }
func (l raftLogger) Info(v ...any)                    { l.line(v...) }
func (l raftLogger) Infof(format string, v ...any)    { l.linef(format, v...) }
func (l raftLogger) Warning(v ...any)                 { l.line(v...) }
func (l raftLogger) Warningf(format string, v ...any) { l.linef(format, v...) }
func (l raftLogger) Error(v ...any)                   { l.line(v...) }
func (l raftLogger) Errorf(format string, v ...any)   { l.linef(format, v...) }
func (l raftLogger) Fatal(v ...any)                   { panic(fmt.Sprint(v...)) }
func (l raftLogger) Fatalf(format string, v ...any)   { panic(fmt.Sprintf(format, v...)) }
func (l raftLogger) Panic(v ...any)                   { panic(fmt.Sprint(v...)) }
func (l raftLogger) Panicf(format string, v ...any)   { panic(fmt.Sprintf(format, v...)) }
