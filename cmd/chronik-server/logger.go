package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"

	"github.com/chronik/chronik/internal/config"
)

// newLogger writes text for people and JSON for programs.
func newLogger(w io.Writer, l config.Logging) *slog.Logger {
	terminal := isTerminal(w)
	if l.Format == config.LogJSON || l.Format == config.LogAuto && !terminal {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l.Level, ReplaceAttr: readable}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level: l.Level, TimeFormat: time.DateTime + ".000", NoColor: !terminal || l.NoColor,
		ReplaceAttr: readable,
	}))
}

// readable has values that know how to write themselves do so: JSON would turn a
// duration into nanoseconds, and a state into its number.
func readable(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case time.Duration:
		a.Value = slog.StringValue(v.String())
	case error, time.Time, slog.Level: // handlers know these
	case fmt.Stringer:
		a.Value = slog.StringValue(v.String())
	}
	return a
}

// isTerminal takes every character device for a terminal: nobody minds colours
// in /dev/null.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
