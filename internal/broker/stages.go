package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// stages are the running components, in the order of their start. They stop in
// reverse, one after the other; that one ends by itself stops all.
type stages struct {
	logger  *slog.Logger
	running []*stage
	ended   chan struct{} // closed by the first stage that ends by itself
	first   *stage        // that one; read after ended
	once    chan struct{} // capacity 1: the right to close ended
}

type stage struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error // what run returned; read after done
}

func newStages(logger *slog.Logger) *stages {
	return &stages{logger: logger, ended: make(chan struct{}), once: make(chan struct{}, 1)}
}

// start runs a component on a goroutine of its own until stop.
func (s *stages) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	st := &stage{name: name, cancel: cancel, done: make(chan struct{})}
	s.running = append(s.running, st)
	go func() {
		defer close(st.done)
		st.err = run(ctx)
		if ctx.Err() == nil {
			select {
			case s.once <- struct{}{}:
				s.first = st
				close(s.ended)
			default:
			}
		}
	}()
}

// failure is why a component has ended by itself; called after ended is closed.
func (s *stages) failure() error {
	if err := s.first.err; err != nil {
		s.first.err = nil // told once
		return err
	}
	return fmt.Errorf("%s ended by itself", s.first.name)
}

// stop ends every component, the last started first, and waits for each.
func (s *stages) stop() error {
	var errs []error
	for i := len(s.running) - 1; i >= 0; i-- {
		st := s.running[i]
		s.logger.Debug("stopping", "component", st.name)
		st.cancel()
		<-st.done
		if st.err != nil && !errors.Is(st.err, context.Canceled) {
			errs = append(errs, fmt.Errorf("%s: %w", st.name, st.err))
		}
	}
	s.running = nil
	return errors.Join(errs...)
}

// stopTo ends the components started after the named one.
func (s *stages) stopTo(name string) error {
	for i, st := range s.running {
		if st.name == name {
			later := &stages{logger: s.logger, running: s.running[i+1:]}
			s.running = s.running[:i+1]
			return later.stop()
		}
	}
	return nil
}
