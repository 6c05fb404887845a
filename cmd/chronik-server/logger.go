package main

import (
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
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l.Level}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{Level: l.Level, TimeFormat: time.DateTime + ".000", NoColor: !terminal || l.NoColor}))
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
