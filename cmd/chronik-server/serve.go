package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/config"
)

// node is the broker as this command sees it. Run returns nil after a clean
// stop, which begins when ctx ends.
type node interface {
	Run(ctx context.Context) error
}

// newNode builds the broker of a configuration, and starts nothing.
type newNode func(*config.Config, *slog.Logger) (node, error)

// serve runs a broker until a signal or ctx stops it.
func serve(ctx context.Context, flags *config.Flags, stderr io.Writer, build newNode) error {
	cfg, err := config.Load(flags, config.RealSurroundings())
	if err != nil {
		return err
	}
	log := newLogger(stderr, cfg.Log)
	if cfg.Memory.GoLimitBytes > 0 {
		debug.SetMemoryLimit(cfg.Memory.GoLimitBytes)
	}
	report(log, cfg)
	n, err := build(cfg, log)
	if err != nil {
		return err
	}
	ctx, release := stopOnSignal(ctx, log)
	defer release()
	return n.Run(ctx)
}

// report says what of the configuration does nothing, or should be looked at.
func report(log *slog.Logger, cfg *config.Config) {
	for _, i := range cfg.Ignored {
		log.Info("settings that do nothing", "reason", i.Reason, "settings", i.Names)
	}
	for _, w := range cfg.Warnings {
		log.Warn("look at the configuration", "detail", w)
	}
}

// echoMax is how long after the first signal another is taken for the same one.
// timeout(1) and other wrappers signal both their child and its process group,
// and no hand is as fast.
const echoMax = 250 * time.Millisecond

// stopOnSignal ends the context at the first signal to stop, and the process at
// the second: whoever presses Ctrl+C twice does not want to wait for a clean
// stop, and the next start recovers. release ends the goroutine that waits.
func stopOnSignal(ctx context.Context, log *slog.Logger) (stopping context.Context, release func()) {
	// A log read by a pipe that has closed must not kill the broker.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup has it ignored
		signal.Notify(signals, syscall.SIGHUP)
	}
	stopping, cancel := context.WithCancel(ctx)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for first := (time.Time{}); ; {
			select {
			case s := <-signals:
				switch {
				case first.IsZero():
					first = time.Now()
				case time.Since(first) < echoMax:
					continue
				default:
					fmt.Fprintf(os.Stderr, "chronik-server: stopped at once by a second signal (%s)\n", s)
					os.Exit(exitFailed)
				}
				log.Info("stopping", "signal", s.String())
				cancel()
			case <-done:
				return
			}
		}
	}()
	return stopping, func() {
		signal.Stop(signals)
		close(done)
		<-ended
		cancel()
	}
}
